package skep.dsl.check;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import skep.dsl.Action;
import skep.dsl.ScriptProgram;
import skep.dsl.Type;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.source.Span;

/** The typed tree: sugar and macros are gone, every conversion is written out, nothing in it is wrong. */
public sealed interface Typed {
    Span span();

    /** An expression: a value of a type. */
    sealed interface Expr extends Typed {
        Type type();
    }

    /** A statement. */
    sealed interface Stmt extends Typed {}

    /** A whole script. */
    record Script(List<Program> programs, List<MapSymbol> maps, List<Subprogram> subprograms) {}

    /** A probe, or one attach point of it where the attach points need different code. */
    record Program(
            String name,
            ProgramType programType,
            Optional<AttachType> attachType,
            String attachTo,
            ScriptProgram.Role role,
            ProbeContext context,
            List<ProbeSpec> probes,
            List<String> shownAs,
            Optional<Expr> predicate,
            List<Stmt> body,
            Span span) {}

    record Subprogram(String name, List<LocalVariable> parameters, Type result, List<Stmt> body, Span span) {}

    // ---- values

    record IntConst(Type type, long value, Span span) implements Expr {}

    record Text(Type.Str type, String value, Span span) implements Expr {}

    record Local(LocalVariable variable, Span span) implements Expr {
        @Override
        public Type type() {
            return variable.type();
        }
    }

    /** The value of a map entry, zeros if there is none; of an aggregation, its total over all CPUs as an integer. */
    record MapGet(MapSymbol map, Optional<Expr> key, Type type, Span span) implements Expr {}

    record HasKey(MapSymbol map, Optional<Expr> key, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    /** Whether the map has the key; if so its value goes into the variable. */
    record Find(MapSymbol map, Expr key, LocalVariable variable, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    /** Number of entries of a map. */
    record MapLength(MapSymbol map, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.UINT64;
        }
    }

    /** 64-bit arithmetic; the operands are 64-bit. */
    record Arithmetic(skep.dsl.ast.Expr.BinaryOp op, Expr left, Expr right, Type type, Span span) implements Expr {}

    /** A comparison of 64-bit numbers. */
    record Compare(skep.dsl.ast.Expr.BinaryOp op, Expr left, Expr right, boolean signed, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    /** Equality of strings, up to {@code length} characters; {@code equal} or its opposite. */
    record TextCompare(Expr left, Expr right, int length, boolean equal, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    /** Equality of values of one compound type without padding. */
    record BytesCompare(Expr left, Expr right, boolean equal, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    record Logic(boolean and, Expr left, Expr right, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    record Not(Expr operand, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    record Negate(Expr operand, Type type, Span span) implements Expr {}

    record Complement(Expr operand, Type type, Span span) implements Expr {}

    /** Both branches have the type. */
    record Conditional(Expr condition, Expr then, Expr otherwise, Type type, Span span) implements Expr {}

    /** A conversion that {@code skep.dsl.check.Conversions} allows. */
    record Convert(Expr operand, Type type, Span span) implements Expr {}

    /** {@code ++} and {@code --} on a variable: its new or old value. */
    record LocalIncrement(LocalVariable variable, long delta, boolean prefix, Type type, Span span) implements Expr {}

    /** {@code ++} and {@code --} on a map entry, atomically: its new or old value. */
    record MapIncrement(MapSymbol map, Optional<Expr> key, long delta, boolean prefix, Type type, Span span)
            implements Expr {}

    /** A tuple or record from the values of its parts. */
    record Compose(Type type, List<Expr> parts, Span span) implements Expr {}

    /** A part of a compound value at a fixed place. */
    record Part(Expr whole, int offsetBytes, Type type, int bitOffset, int bitWidth, Span span) implements Expr {}

    /** An element of an array or a character of a string at a computed place; out of bounds is a fault and gives 0. */
    record Element(Expr array, Expr index, int length, Type type, Span span) implements Expr {}

    /** Begins a new generation of a map's entries, which hides those there are; the number of the old one. */
    record NextGeneration(MapSymbol map, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.UINT64;
        }
    }

    /** What a pointer points to. */
    record Dereference(Expr pointer, Type type, Span span) implements Expr {}

    /** A pointer moved by an index times the size of what it points to. */
    record PointerMove(Expr pointer, Expr index, boolean backwards, Type type, Span span) implements Expr {}

    record AddressOfLocal(LocalVariable variable, Type type, Span span) implements Expr {}

    record AddressOfMap(MapSymbol map, Optional<Expr> key, Type type, Span span) implements Expr {}

    /** A part of the context: loaded directly. */
    record ContextLoad(int offsetBytes, Type type, Span span) implements Expr {}

    /** A register as it was when the system call was entered: the context's first word points to all of them. */
    record RegisterLoad(int offsetBytes, Type type, Span span) implements Expr {}

    /** An array or string within the context, or the string that a {@code __data_loc} word points to. */
    record ContextBytes(int offsetBytes, boolean dataLoc, Type type, Span span) implements Expr {}

    /** The address of the context. */
    record ContextAddress(Type type, Span span) implements Expr {}

    /** A helper without arguments, or with constant ones. */
    record HelperValue(Helper helper, List<Long> arguments, int shiftRight, boolean lowHalf, Type type, Span span)
            implements Expr {}

    record CommandName(Type.Str type, Span span) implements Expr {}

    /** Time since the script began. */
    record Elapsed(Span span) implements Expr {
        @Override
        public Type type() {
            return Type.UINT64;
        }
    }

    record Stack(boolean user, Type type, Span span) implements Expr {}

    /** A function of the language with values as arguments. */
    record Call(Fn fn, List<Expr> arguments, Type type, Span span) implements Expr {}

    /** A call of a subprogram of the script. */
    record Invoke(String subprogram, List<Expr> arguments, Type type, Span span) implements Expr {}

    record Block(List<Stmt> statements, Expr value, Span span) implements Expr {
        @Override
        public Type type() {
            return value.type();
        }
    }

    /**
     * A record to user space.
     *
     * @param speculation the number of the speculation that holds it back; 0 for none
     */
    record Emit(
            List<Expr> arguments, Function<List<Action.Argument>, Action> action, Optional<Expr> speculation, Span span)
            implements Expr {
        public Emit(List<Expr> arguments, Function<List<Action.Argument>, Action> action, Span span) {
            this(arguments, action, Optional.empty(), span);
        }

        @Override
        public Type type() {
            return Type.VOID;
        }
    }

    /** Nothing. */
    record Nothing(Span span) implements Expr {
        @Override
        public Type type() {
            return Type.VOID;
        }
    }

    /** Functions that become code of their own. */
    enum Fn {
        /** pointer, length (constant or not): string. */
        STR,
        /** pointer, length: buffer. */
        BUF,
        /** address: user symbol. */
        USYM,
        /** family, number or bytes: inet. */
        NTOP,
        /** pointer or bytes: mac address. */
        MACADDR,
        /** number: number, bytes of its type swapped. */
        BSWAP,
        /** string, literal: whether contained. */
        STRCONTAINS,
        STRLEN,
        /** string, string: position or -1. */
        STRSTR,
        STR_CONCAT,
        MEMCMP,
        STRNCMP_ORDER,
        PATH,
        SIGNAL,
        SIGNAL_THREAD,
        OVERRIDE,
        WRITE_USER,
        /** BTF id of a per-CPU variable, and the number of a CPU unless it is this one: its address, or 0. */
        PERCPU_KADDR,
        SOCKET_COOKIE,
        /** process id, BTF ids of the functions that get and release a task, offset of its name: string. */
        COMMAND_OF,
        /** whether a user stack, depth: number of frames. */
        STACK_LENGTH,
        STORED_STACK_LENGTH,
        /** array of strings into a record. */
        JOIN,
        /** device and inode of a namespace: process and thread id as {@code get_current_pid_tgid} gives them. */
        NAMESPACE_PID,
        USER_MODE,
        /** bytes of an address: raw. */
        BYTES_OF,
        DEBUGF,
        FAIL
    }

    // ---- statements

    record Evaluate(Expr expr, Span span) implements Stmt {}

    record SetLocal(LocalVariable variable, Expr value, Span span) implements Stmt {}

    /** A declared variable without a value: zeros. */
    record ClearLocal(LocalVariable variable, Span span) implements Stmt {}

    record SetMap(MapSymbol map, Optional<Expr> key, Expr value, Span span) implements Stmt {}

    /** {@code @m[k] op= v} for an operation that the machine does atomically: add, or, and, xor on 64 bits. */
    record UpdateMap(MapSymbol map, Optional<Expr> key, skep.dsl.ast.Expr.BinaryOp op, Expr value, Span span)
            implements Stmt {}

    /** {@code @m[k] = count()} and its kin. */
    record Aggregate(MapSymbol map, Optional<Expr> key, List<Expr> arguments, Span span) implements Stmt {}

    /** A deletion; as an expression it tells whether the entry existed. */
    record Delete(MapSymbol map, Optional<Expr> key, Span span) implements Expr {
        @Override
        public Type type() {
            return Type.BOOL;
        }
    }

    record If(Expr condition, List<Stmt> then, List<Stmt> otherwise, Span span) implements Stmt {}

    record While(Expr condition, List<Stmt> body, Span span) implements Stmt {}

    record ForMap(MapSymbol map, LocalVariable variable, List<LocalVariable> captured, List<Stmt> body, Span span)
            implements Stmt {}

    record ForRange(LocalVariable variable, Expr from, Expr to, List<Stmt> body, Span span) implements Stmt {}

    record Return(Optional<Expr> value, Span span) implements Stmt {}

    record Break(Span span) implements Stmt {}

    record Continue(Span span) implements Stmt {}

    record Sequence(List<Stmt> statements, Span span) implements Stmt {}

    /**
     * What many system call tracepoints do, in one program at the tracepoint that all system calls pass: each case runs
     * for its numbers. Calls of another word size than the kernel's own have other numbers and are left out, as those
     * tracepoints leave them out.
     *
     * @param number where the number of the call is found
     * @param foreign a word of the current task, and the bits of it that say that the call is of another word size
     */
    record SystemCalls(List<Case> cases, Expr number, TaskBits foreign, Span span) implements Stmt {
        /** A body, and the system calls that it is for. */
        public record Case(List<Long> numbers, Optional<Expr> predicate, List<Stmt> body) {}

        /** Bits in the 32-bit word at an offset of {@code struct task_struct}. */
        public record TaskBits(int offsetBytes, int mask) {}
    }

    /** From here on the script is ending: its probes that say so do not run again. */
    record Ending(Span span) implements Stmt {}
}
