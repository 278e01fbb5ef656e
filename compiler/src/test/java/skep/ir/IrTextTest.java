package skep.ir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.MapSpec;
import skep.source.Source;

/** The text form says everything, and what it says is checked. */
class IrTextTest {
    private static final Source SOURCE = new Source("test", "@[pid] = count()");

    /** A counter keyed by pid, with nearly every kind of instruction in its miss path. */
    static Module example() {
        var module = new ModuleBuilder().map(new MapSpec("counts", MapType.PERCPU_HASH, 8, 8, 4096, 0));
        var f = module.program("count", ProgramInfo.of(ProgramType.KPROBE), SOURCE.span(0, 6));
        var key = f.slot(8, "key");
        var pid = f.binary(BinaryOp.LSHR, f.helper(Type.I64, Helper.GET_CURRENT_PID_TGID), 32);
        f.store(key, 0, pid);
        var found = f.lookup("counts", key);
        var present = f.newBlock();
        var absent = f.newBlock();
        var one = f.newBlock();
        var out = f.newBlock(Type.I64);
        f.branch(f.compare(CompareOp.NE, found, 0), present, absent);
        f.enter(present);
        f.atomic(AtomicOp.ADD, f.nonNull(found), 0, f.i64(1));
        f.jump(out, pid);
        f.enter(absent);
        var fresh = f.slot(24, "fresh \"one\"");
        f.zero(fresh, 0, 24);
        f.copy(fresh, 8, key, 0, 8, 8);
        f.store(MemSize.W, fresh, 0, f.select(f.compare(CompareOp.SLT, pid, 5), f.i64(1), f.neg(pid)));
        var word = f.load(Type.I64, MemSize.W, true, f.ptrAdd(fresh, pid), -4);
        f.compareExchange(fresh, 0, word, f.swapBytes(16, word));
        f.helper(Type.I64, Helper.LOOP, word, f.functionRef("body"), key, f.i64(0));
        var none = f.newBlock();
        f.switchOn(f.trunc(Type.I32, word), new long[] {1, 2}, List.of(one, none), none);
        f.enter(one);
        f.jump(out, f.sext(Type.I64, f.trunc(Type.I8, word)));
        f.enter(none);
        f.jump(out, f.ptrToInt(f.nullPointer(Region.GENERIC)));
        f.enter(out);
        f.ret(f.opaque(out.param(0)));
        var body = module.function("body", Type.I64, List.of(Type.I64, Type.ptr(Region.GENERIC)), SOURCE.span(0, 6));
        body.ret(body.call(Type.I64, "body", body.param(0), body.param(1)));
        return module.build();
    }

    @Test
    void what_is_printed_reads_back_as_the_same_text() {
        var text = IrPrinter.print(example());
        assertEquals(text, IrPrinter.print(IrParser.parse(text)));
    }

    @Test
    void a_module_from_the_builder_is_well_formed() {
        assertEquals(List.of(), WellFormed.errors(example()));
    }

    @Test
    void a_syntax_error_shows_its_place() {
        var error = assertThrows(
                IrSyntaxException.class,
                () -> IrParser.parse(
                        "program @p kprobe license \"GPL\" {\nb0(%0: ptr.ctx):\n  %1: i64 = frob %0, %0\n}"));
        assertTrue(error.getMessage().contains("ir:3:"), error.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "%1: i64 = const 1 ; return %2                            | defined nowhere",
                "%1: i1 = const 1 ; branch %1, b1, b2 ; b1: ; %2: i64 = const 1 ; return %2 ; b2: ; return %2 | dominate",
                "return %1 ; b1: ; %1: i64 = const 1 ; return %1          | defined nowhere",
                "%1: i64 = const 1 ; %1: i64 = const 1 ; return %1        | defined twice",
                "%1: i32 = const 1 ; return %1                            | types do not fit: return",
                "%1: i64 = const 1 ; jump b0(%0)                          | entry block",
                "%1: i64 = const 1 ; jump b1(%1) ; b1: ; return %1        | takes 0",
                "%1: i64 = const 1 ; %2: i8 = trunc %1 ; %3: i8 = add %2, %2 ; return %1 | types do not fit: %3",
                "%1: ptr.map = map @m ; %2: i64 = const 1 ; return %2     | types do not fit: %1",
                "%1: ptr.stack? = const 0 ; %2: i64 = load.u64 %1 ; return %2 | types do not fit: %2",
            })
    void a_malformed_function_is_refused(String body, String error) {
        var text = "program @p kprobe license \"GPL\" {\nb0(%0: ptr.ctx):\n" + body.replace(";", "\n") + "\n}";
        String errors;
        try {
            errors = String.join("\n", WellFormed.errors(IrParser.parse(text)));
        } catch (IrSyntaxException e) {
            errors = e.getMessage();
        }
        assertTrue(errors.contains(error), errors);
    }
}
