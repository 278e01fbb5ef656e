package skep.ir.codegen;

import skep.isa.DecodedProgram;
import skep.isa.Disassembler;
import skep.isa.object.BpfObject;
import skep.isa.object.ProgramSpec;

/** The text of an object for people: {@code -d asm} and {@code -d object}. */
public final class AsmPrinter {
    private AsmPrinter() {}

    /** Each program as assembly, with the source line above the instructions it made and the names of maps. */
    public static String asm(BpfObject object) {
        var out = new StringBuilder();
        for (var program : object.programs()) {
            if (!out.isEmpty()) {
                out.append('\n');
            }
            out.append(program.name()).append(": ").append(program.type().kernelName());
            out.append(", ").append(program.code().size()).append(" insns\n");
            asm(program, out);
        }
        return out.toString();
    }

    private static void asm(ProgramSpec program, StringBuilder out) {
        var code = DecodedProgram.of(program.code());
        int line = -1;
        for (int slot = 0; slot < code.size(); slot = code.next(slot)) {
            var entry = program.lines().at(slot);
            if (entry.isPresent() && entry.get().line() != line) {
                line = entry.get().line();
                out.append("  ; ").append(entry.get().text().strip()).append('\n');
            }
            out.append("%4d: ".formatted(slot)).append(Disassembler.text(code.at(slot)));
            for (var reference : program.mapReferences()) {
                if (reference.insn() == slot) {
                    out.append(" ; map ").append(reference.map());
                }
            }
            out.append('\n');
        }
    }

    /** Maps, then programs with their attributes, relocations and bytes. */
    public static String object(BpfObject object) {
        var out = new StringBuilder();
        for (var map : object.maps()) {
            out.append("map %s: %s key %d value %d entries %d flags %#x\n"
                    .formatted(
                            map.name(),
                            map.type().kernelName(),
                            map.keySizeBytes(),
                            map.valueSizeBytes(),
                            map.maxEntries(),
                            map.flags()));
        }
        for (var program : object.programs()) {
            out.append("program %s: %s".formatted(program.name(), program.type().kernelName()));
            program.attachType().ifPresent(t -> out.append(" attach ").append(t.kernelName()));
            if (!program.attachTo().isEmpty()) {
                out.append(" to ").append(program.attachTo());
            }
            out.append(" license ").append(program.license()).append('\n');
            for (var reference : program.mapReferences()) {
                out.append("  relocation at %d: map %s\n".formatted(reference.insn(), reference.map()));
            }
            for (int slot = 0; slot < program.code().size(); slot++) {
                out.append("  %4d: %016x\n"
                        .formatted(slot, Long.reverseBytes(program.code().slot(slot))));
            }
        }
        return out.toString();
    }
}
