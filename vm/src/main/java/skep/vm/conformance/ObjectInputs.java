package skep.vm.conformance;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.elf.ElfObject;
import skep.isa.Bytecode;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.vm.Machine;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.VerifierInput;

/** The programs of an ELF object, as the verifier takes them: maps stand for themselves, nothing is loaded. */
final class ObjectInputs {
    private static final int FIRST_FD = 100;
    private static final int CALL = 0x85;
    private static final int PSEUDO_KFUNC_CALL = 2;

    private ObjectInputs() {}

    static boolean isObject(byte[] head) {
        return head.length > 4 && head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' && head[3] == 'F';
    }

    static List<VerifierInput> of(byte[] file, String name, Optional<Btf> kernel) {
        var object = ElfObject.parse(file, name).relocated(kernel);
        return object.programs().stream()
                .map(program -> input(program, object, kernel))
                .toList();
    }

    private static VerifierInput input(ProgramSpec program, BpfObject object, Optional<Btf> kernel) {
        var names = object.maps().stream().map(MapSpec::name).toList();
        var maps = new ArrayList<MapDefinition>();
        for (int i = 0; i < names.size(); i++) {
            maps.add(Machine.definition(FIRST_FD + i, object.maps().get(i), object.types()));
        }
        var slots = program.code().slots();
        for (var reference : program.mapReferences()) {
            long fd = FIRST_FD + names.indexOf(reference.map());
            slots[reference.insn()] = slots[reference.insn()] & 0xffff_ffffL | fd << 32;
        }
        var code = Bytecode.of(slots);
        var kfuncs = new HashMap<Integer, String>();
        for (int i = 0; i < code.size(); i++) {
            int id = code.imm(i);
            if (code.opcode(i) == CALL && code.src(i) == PSEUDO_KFUNC_CALL) {
                kernel.filter(types -> id > 0 && id < types.endId() && types.kind(id) == BtfKind.FUNC)
                        .ifPresent(types -> kfuncs.put(id, types.name(id)));
            }
        }
        return VerifierInput.of(code, program.type())
                .name(program.name())
                .attachType(program.attachType())
                .attachTo(program.attachTo())
                .license(program.license())
                .lines(program.lines())
                .sleepable(program.sleepable())
                .functions(Machine.functions(program, code, object.types()))
                .maps(fd -> fd >= FIRST_FD && fd < FIRST_FD + maps.size()
                        ? Optional.of(maps.get(fd - FIRST_FD))
                        : Optional.empty())
                .kernelTypes(kernel)
                .kfuncs(kfuncs)
                .logLevel(0)
                .build();
    }
}
