package skep.ir.codegen;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.ir.Function;
import skep.ir.Module;
import skep.ir.ProgramInfo;
import skep.ir.Value;
import skep.ir.WellFormed;
import skep.ir.codegen.Emitter.Emitted;
import skep.ir.pass.Optimizer;
import skep.ir.pass.ScratchPlacement;
import skep.isa.Insn;
import skep.isa.InsnCodec;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.ProgramSpec;
import skep.source.Diagnostics;
import skep.source.Span;

/** From a module to an object: selection, register allocation, frame layout, emission. Pure and deterministic. */
public final class Codegen {
    /** {@code MAX_BPF_STACK}: what the frames of a chain of calls may take together. */
    public static final int MAX_STACK_BYTES = 512;

    /** The kernel counts frames in steps of this size when it adds up a chain of calls. */
    private static final int FRAME_STEP_BYTES = 32;

    /** Smaller values are not worth a look-up. */
    private static final int MIN_MOVED_BYTES = 16;

    private final Module module;
    private final CodegenOptions options;
    private final Diagnostics diagnostics;
    private final Map<String, MachineFunction> compiled = new HashMap<>();

    private Codegen(Module module, CodegenOptions options, Diagnostics diagnostics) {
        this.module = module;
        this.options = options;
        this.diagnostics = diagnostics;
    }

    /** The object, or empty if diagnostics say what does not fit the machine. */
    public static Optional<BpfObject> compile(Module module, CodegenOptions options, Diagnostics diagnostics) {
        assert WellFormed.check(module);
        Map<String, Set<Value>> moved = new HashMap<>();
        var at = module;
        while (true) {
            var codegen = new Codegen(at, options, diagnostics);
            if (options.scratch() && codegen.moveLargest(moved)) {
                at = ScratchPlacement.move(module, moved);
                assert WellFormed.check(at);
            } else {
                return codegen.object();
            }
        }
    }

    private Optional<BpfObject> object() {
        var programs = new ArrayList<ProgramSpec>();
        boolean complete = true;
        for (var function : module.functions()) {
            if (function.program().isPresent()) {
                var program = program(function, function.program().get());
                program.ifPresent(programs::add);
                complete &= program.isPresent();
            }
        }
        return complete ? Optional.of(new BpfObject(programs, module.maps())) : Optional.empty();
    }

    private Optional<ProgramSpec> program(Function function, ProgramInfo info) {
        var names = new LinkedHashSet<String>();
        reach(function, names);
        var functions = names.stream().map(this::machine).toList();
        if (!fitsStack(function)) {
            return Optional.empty();
        }
        Emitted emitted;
        try {
            emitted = Emitter.emit(functions);
        } catch (Emitter.JumpTooFarException e) {
            diagnostics.error(
                    "program-too-large",
                    e.span,
                    "the program " + function.name() + " is too large: a jump does not reach its target",
                    "split the program or unroll less");
            return Optional.empty();
        }
        return Optional.of(new ProgramSpec(
                function.name(),
                info.type(),
                info.attachType(),
                info.attachTo(),
                info.license(),
                InsnCodec.encode(
                        emitted.items().stream().map(Emitter.Item::insn).toList()),
                mapReferences(emitted),
                lines(emitted),
                entries(names, emitted)));
    }

    /** The function and all it calls, itself first. */
    private void reach(Function function, LinkedHashSet<String> names) {
        if (names.add(function.name())) {
            for (var callee : function.callees()) {
                reach(module.function(callee), names);
            }
        }
    }

    private MachineFunction machine(String name) {
        return compiled.computeIfAbsent(name, n -> {
            var legal = Optimizer.fold(Legalizer.legalize(module.function(n), options.cpu()));
            var machine = Selector.select(legal, options.cpu());
            Allocator.allocate(machine);
            Tidier.tidy(machine);
            return machine;
        });
    }

    private List<ProgramSpec.FunctionEntry> entries(LinkedHashSet<String> names, Emitted emitted) {
        var entries = new ArrayList<ProgramSpec.FunctionEntry>();
        for (var name : names) {
            int insn = emitted.starts().get(entries.size());
            entries.add(new ProgramSpec.FunctionEntry(
                    insn, name, module.function(name).params().size()));
        }
        return entries;
    }

    private static List<MapReference> mapReferences(Emitted emitted) {
        var references = new ArrayList<MapReference>();
        for (var item : emitted.items()) {
            if (item.insn() instanceof Insn.LoadImm64 && !item.symbol().isEmpty()) {
                references.add(new MapReference(item.slot(), item.symbol()));
            }
        }
        return references;
    }

    private static LineTable lines(Emitted emitted) {
        var entries = new ArrayList<LineTable.Entry>();
        Optional<Span> last = Optional.empty();
        for (var item : emitted.items()) {
            if (last.isEmpty() || !last.get().equals(item.span())) {
                entries.add(entry(item.slot(), item.span()));
                last = Optional.of(item.span());
            }
        }
        return new LineTable(entries);
    }

    private static LineTable.Entry entry(int slot, Span span) {
        int line = span.source().line(span.start());
        return new LineTable.Entry(
                slot,
                span.source().name(),
                span.start(),
                span.end(),
                line,
                span.source().lineText(line));
    }

    // The stack

    /** Chooses slots to move until every chain of calls fits; false if nothing has to move, or nothing can. */
    private boolean moveLargest(Map<String, Set<Value>> moved) {
        boolean chosen = false;
        for (var function : module.functions()) {
            if (function.program().isPresent()) {
                var chain = deepest(function, new LinkedHashSet<>());
                int excess = needed(chain) - MAX_STACK_BYTES;
                while (excess > 0) {
                    var largest = largest(chain, moved);
                    if (largest.isEmpty() || largest.get().slot.sizeBytes() < MIN_MOVED_BYTES) {
                        break;
                    }
                    var slot = largest.get().slot;
                    moved.computeIfAbsent(largest.get().function, k -> new HashSet<>())
                            .add(slot.origin().orElseThrow());
                    excess -= slot.sizeBytes();
                    chosen = true;
                }
            }
        }
        return chosen;
    }

    private record Placed(String function, MachineFunction.Slot slot) {}

    /** The largest slot of the source that has not been moved yet. */
    private static Optional<Placed> largest(List<MachineFunction> chain, Map<String, Set<Value>> moved) {
        Optional<Placed> largest = Optional.empty();
        for (var function : chain) {
            for (var slot : function.slots) {
                boolean stays = slot.origin().isPresent()
                        && !moved.getOrDefault(function.name, Set.of())
                                .contains(slot.origin().get());
                if (stays
                        && (largest.isEmpty()
                                || slot.sizeBytes() > largest.get().slot.sizeBytes())) {
                    largest = Optional.of(new Placed(function.name, slot));
                }
            }
        }
        return largest;
    }

    private boolean fitsStack(Function program) {
        var chain = deepest(program, new LinkedHashSet<>());
        int needed = needed(chain);
        if (needed <= MAX_STACK_BYTES) {
            return true;
        }
        var largest = largest(chain, Map.of());
        diagnostics.error(
                "stack-limit",
                largest.map(p -> p.slot.span()).orElse(program.entry().end().span()),
                "the program " + program.name() + " needs " + needed + " bytes of stack, of which there are "
                        + MAX_STACK_BYTES
                        + largest.map(p -> "; the largest value is " + p.slot.name() + " with " + p.slot.sizeBytes()
                                        + " bytes")
                                .orElse(""),
                "use fewer or smaller values at a time");
        return false;
    }

    private static int needed(List<MachineFunction> chain) {
        return chain.size() == 1 ? chain.getFirst().frameBytes : depth(chain);
    }

    private static int depth(List<MachineFunction> chain) {
        return chain.stream()
                .mapToInt(f -> Math.max(1, f.frameBytes + FRAME_STEP_BYTES - 1) / FRAME_STEP_BYTES * FRAME_STEP_BYTES)
                .sum();
    }

    /** The chain of calls that takes most stack. A recursion is left to the verifier, which refuses it. */
    private List<MachineFunction> deepest(Function function, LinkedHashSet<String> path) {
        List<MachineFunction> best = List.of();
        if (path.add(function.name())) {
            for (var callee : function.callees()) {
                var chain = deepest(module.function(callee), path);
                if (depth(chain) > depth(best)) {
                    best = chain;
                }
            }
            path.remove(function.name());
        }
        var result = new ArrayList<MachineFunction>();
        result.add(machine(function.name()));
        result.addAll(best);
        return result;
    }
}
