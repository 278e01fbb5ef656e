package skep.vm.maps;

import java.util.List;
import java.util.Optional;
import skep.isa.object.MapSpec;
import skep.vm.verifier.SpecialField;

/**
 * What a map is made from.
 *
 * @param fields special fields of a value, which only helpers touch; from BTF
 * @param inner what the maps inside a map of maps must look like
 * @param extra {@code map_extra}: for bloom filters the number of hash functions
 */
public record MapRequest(MapSpec spec, List<SpecialField> fields, Optional<MapSpec> inner, long extra) {
    public MapRequest {
        fields = List.copyOf(fields);
    }

    public static MapRequest of(MapSpec spec) {
        return new MapRequest(spec, List.of(), Optional.empty(), 0);
    }

    public MapRequest withInner(MapSpec template) {
        return new MapRequest(spec, fields, Optional.of(template), extra);
    }

    public MapRequest withFields(List<SpecialField> special) {
        return new MapRequest(spec, special, inner, extra);
    }
}
