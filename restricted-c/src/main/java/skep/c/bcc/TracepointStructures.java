package skep.c.bcc;

import java.util.ArrayList;
import java.util.OptionalInt;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.c.check.TypeLayout;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.TracepointFormat;

/**
 * {@code struct tracepoint__CATEGORY__EVENT}, made from the format that the kernel gives: the fields behind the common
 * ones, and {@code data_loc_NAME} for data that lies elsewhere in the record.
 */
final class TracepointStructures {
    private static final String PREFIX = "tracepoint__";

    private final KernelInfo kernel;
    private final TypeLayout layout;

    TracepointStructures(KernelInfo kernel, TypeLayout layout) {
        this.kernel = kernel;
        this.layout = layout;
    }

    OptionalInt find(String tag) {
        int split = tag.startsWith(PREFIX) ? tag.indexOf("__", PREFIX.length()) : -1;
        if (split < 0) {
            return OptionalInt.empty();
        }
        var format = kernel.tracepoint(tag.substring(PREFIX.length(), split), tag.substring(split + 2));
        return format.isPresent() ? OptionalInt.of(structure(tag, format.get())) : OptionalInt.empty();
    }

    private int structure(String tag, TracepointFormat format) {
        var members = new ArrayList<BtfType.Member>();
        int end = 8;
        members.add(BtfType.Member.at("__do_not_use__", layout.basic("unsigned long"), 0));
        for (var field : format.fields()) {
            if (field.offsetBytes() < 8) {
                continue;
            }
            var name = field.dataLoc() ? "data_loc_" + field.name() : field.name();
            members.add(BtfType.Member.at(name, type(field), field.offsetBytes()));
            end = Math.max(end, field.offsetBytes() + field.sizeBytes());
        }
        return layout.structure(tag, (end + 7) / 8 * 8, members);
    }

    private int type(TracepointFormat.Field field) {
        if (field.dataLoc()) {
            return layout.basic("int");
        }
        if (field.type().contains("*")) {
            return layout.share(new BtfType.Pointer(pointee(field.type())));
        }
        if (field.arrayLength() > 0) {
            int size = Math.max(1, field.sizeBytes() / field.arrayLength());
            int element = field.type().equals("char")
                    ? layout.basic("char")
                    : integer(Integer.bitCount(size) == 1 && size <= 8 ? size : 1, field.signed());
            int count = (int) (field.sizeBytes() / Math.max(1, layout.size(element)));
            return layout.share(new BtfType.Array(element, layout.basic("unsigned int"), count));
        }
        var named = field.type().startsWith("struct ")
                ? layout.find(BtfKind.STRUCT, field.type().substring(7))
                : layout.find(BtfKind.TYPEDEF, field.type());
        if (named.isPresent() && layout.size(named.getAsInt()) == field.sizeBytes()) {
            return named.getAsInt();
        }
        return switch (field.sizeBytes()) {
            case 1, 2, 4, 8 -> integer(field.sizeBytes(), field.signed());
            default ->
                layout.share(new BtfType.Array(
                        layout.basic("unsigned char"), layout.basic("unsigned int"), field.sizeBytes()));
        };
    }

    private int integer(int size, boolean signed) {
        var name = switch (size) {
            case 1 -> "char";
            case 2 -> "short";
            case 4 -> "int";
            default -> "long";
        };
        return layout.basic(signed ? name : "unsigned " + name);
    }

    private int pointee(String type) {
        var base = type.replace("const", "")
                .replace("volatile", "")
                .replace("*", "")
                .strip();
        if (base.equals("char")) {
            return layout.basic("char");
        }
        if (base.startsWith("struct ")) {
            return layout.find(BtfKind.STRUCT, base.substring(7)).orElse(0);
        }
        return layout.find(BtfKind.TYPEDEF, base).orElse(0);
    }
}
