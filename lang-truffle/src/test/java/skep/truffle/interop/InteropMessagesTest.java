package skep.truffle.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.oracle.truffle.api.interop.ArityException;
import com.oracle.truffle.api.interop.ExceptionType;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.InvalidArrayIndexException;
import com.oracle.truffle.api.interop.InvalidBufferOffsetException;
import com.oracle.truffle.api.interop.StopIterationException;
import com.oracle.truffle.api.interop.UnknownIdentifierException;
import com.oracle.truffle.api.interop.UnknownKeyException;
import com.oracle.truffle.api.interop.UnsupportedMessageException;
import com.oracle.truffle.api.interop.UnsupportedTypeException;
import com.oracle.truffle.api.source.Source;
import java.io.IOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.math.BigInteger;
import java.net.URISyntaxException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.graalvm.polyglot.Context;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import skep.session.RunningScript;
import skep.session.ScriptEvent;
import skep.session.aggregate.Aggregate;
import skep.session.view.Value;
import skep.session.view.View;
import skep.truffle.lang.SkepLanguage;

/** Every interop message that we export, by the class that exports it. */
@Timeout(300)
class InteropMessagesTest {
    private static final InteropLibrary INTEROP = InteropLibrary.getUncached();

    /** {@code Class.message}, as far as a case has asked for it. */
    private final TreeSet<String> asked = new TreeSet<>();

    private Context context;
    private org.graalvm.polyglot.Value scope;

    @BeforeEach
    void enter() {
        context = Context.newBuilder("skep", "bpf-c")
                .option("engine.WarnInterpreterOnly", "false")
                .build();
        scope = context.getBindings("skep");
        context.enter();
    }

    @AfterEach
    void leave() {
        context.leave();
        context.close();
    }

    @FunctionalInterface
    private interface Message {
        Object send() throws Exception;
    }

    private void answers(String message, Object expected, Message sent) {
        asked.add(message);
        try {
            assertEquals(expected, sent.send(), message);
        } catch (Exception e) {
            throw new AssertionError(message, e);
        }
    }

    private void refuses(String message, Class<? extends Exception> expected, Message sent) {
        asked.add(message);
        assertThrows(expected, sent::send, message);
    }

    @Test
    void eachAnswersAsItShould() throws Exception {
        objects();
        methodsAndKinds();
        arrays();
        bytes();
        unsignedNumbers();
        iterators();
        histograms();
        maps();
        events();
        exceptions();
        traces();
        scopes();
        tables();
        nothing();
        assertEquals(exported(), asked);
    }

    private void objects() {
        var record = new RecordObject("Record", Map.of("pid", 5));
        answers("GuestObject.hasLanguage", true, () -> INTEROP.hasLanguage(record));
        answers("GuestObject.getLanguage", SkepLanguage.class, () -> INTEROP.getLanguage(record));
        answers("GuestObject.toDisplayString", "{pid: 5}", () -> INTEROP.toDisplayString(record));
        answers("GuestObject.hasMetaObject", true, () -> INTEROP.hasMetaObject(record));
        answers("GuestObject.getMetaObject", new KindObject("Record"), () -> INTEROP.getMetaObject(record));
        answers("GuestObject.hasMembers", true, () -> INTEROP.hasMembers(record));
        answers("GuestObject.getMembers", "[\"pid\"]".replace("\"", ""), () -> Guest.text(INTEROP.getMembers(record)));
        answers("GuestObject.isMemberReadable", true, () -> INTEROP.isMemberReadable(record, "pid"));
        answers("GuestObject.isMemberReadable", false, () -> INTEROP.isMemberReadable(record, "tid"));
        answers("GuestObject.readMember", 5, () -> INTEROP.readMember(record, "pid"));
        refuses("GuestObject.readMember", UnknownIdentifierException.class, () -> INTEROP.readMember(record, "tid"));
        answers("GuestObject.isMemberInternal", true, () -> INTEROP.isMemberInternal(record, "skepKind"));
        answers("GuestObject.isMemberInternal", false, () -> INTEROP.isMemberInternal(record, "pid"));
        answers("GuestObject.isMemberInvocable", false, () -> INTEROP.isMemberInvocable(record, "pid"));
        var histogram = histogram();
        answers("GuestObject.isMemberInvocable", true, () -> INTEROP.isMemberInvocable(histogram, "percentile"));
        answers("GuestObject.invokeMember", true, () -> (double) INTEROP.invokeMember(histogram, "percentile", 50) > 0);
        refuses("GuestObject.invokeMember", ArityException.class, () -> INTEROP.invokeMember(histogram, "percentile"));
        refuses(
                "GuestObject.invokeMember",
                UnsupportedMessageException.class,
                () -> INTEROP.invokeMember(histogram, "samples"));
        refuses(
                "GuestObject.invokeMember",
                UnknownIdentifierException.class,
                () -> INTEROP.invokeMember(histogram, "nosuch"));
        refuses(
                "GuestObject.invokeMember",
                GuestException.class,
                () -> INTEROP.invokeMember(histogram, "percentile", 101));
    }

    private void methodsAndKinds() throws Exception {
        var method = INTEROP.readMember(histogram(), "percentile");
        answers("MethodObject.isExecutable", true, () -> INTEROP.isExecutable(method));
        answers("MethodObject.execute", true, () -> (double) INTEROP.execute(method, 50) > 0);
        refuses("MethodObject.execute", ArityException.class, () -> INTEROP.execute(method));
        answers("MethodObject.hasExecutableName", true, () -> INTEROP.hasExecutableName(method));
        answers("MethodObject.getExecutableName", "percentile", () -> INTEROP.getExecutableName(method));
        answers("MethodObject.hasLanguage", true, () -> INTEROP.hasLanguage(method));
        answers("MethodObject.getLanguage", SkepLanguage.class, () -> INTEROP.getLanguage(method));
        answers("MethodObject.toDisplayString", "Histogram.percentile", () -> INTEROP.toDisplayString(method));
        var kind = new KindObject("Record");
        answers("KindObject.isMetaObject", true, () -> INTEROP.isMetaObject(kind));
        answers("KindObject.getMetaSimpleName", "Record", () -> INTEROP.getMetaSimpleName(kind));
        answers("KindObject.getMetaQualifiedName", "skep.Record", () -> INTEROP.getMetaQualifiedName(kind));
        answers("KindObject.isMetaInstance", false, () -> INTEROP.isMetaInstance(kind, histogram()));
        answers(
                "KindObject.isMetaInstance",
                true,
                () -> INTEROP.isMetaInstance(kind, new RecordObject("Record", Map.of())));
        answers("KindObject.hasLanguage", true, () -> INTEROP.hasLanguage(kind));
        answers("KindObject.getLanguage", SkepLanguage.class, () -> INTEROP.getLanguage(kind));
        answers("KindObject.toDisplayString", "skep.Record", () -> INTEROP.toDisplayString(kind));
    }

    private void arrays() {
        var array = new ArrayObject(List.of("a", 2L));
        answers("ArrayObject.hasArrayElements", true, () -> INTEROP.hasArrayElements(array));
        answers("ArrayObject.getArraySize", 2L, () -> INTEROP.getArraySize(array));
        answers("ArrayObject.isArrayElementReadable", true, () -> INTEROP.isArrayElementReadable(array, 1));
        answers("ArrayObject.isArrayElementReadable", false, () -> INTEROP.isArrayElementReadable(array, 2));
        answers("ArrayObject.readArrayElement", 2L, () -> INTEROP.readArrayElement(array, 1));
        refuses(
                "ArrayObject.readArrayElement",
                InvalidArrayIndexException.class,
                () -> INTEROP.readArrayElement(array, -1));
        var stack = Guest.of(new Value.Stack(List.of("inner", "outer")));
        answers("ArrayObject.readArrayElement", "inner", () -> INTEROP.readArrayElement(stack, 0));
    }

    private void bytes() {
        var bytes = new BytesObject(new byte[] {1, -1, 3, 4, 5, 6, 7, 8});
        answers("BytesObject.hasArrayElements", true, () -> INTEROP.hasArrayElements(bytes));
        answers("BytesObject.getArraySize", 8L, () -> INTEROP.getArraySize(bytes));
        answers("BytesObject.isArrayElementReadable", false, () -> INTEROP.isArrayElementReadable(bytes, 8));
        answers("BytesObject.readArrayElement", 255, () -> INTEROP.readArrayElement(bytes, 1));
        refuses(
                "BytesObject.readArrayElement",
                InvalidArrayIndexException.class,
                () -> INTEROP.readArrayElement(bytes, 8));
        answers("BytesObject.hasBufferElements", true, () -> INTEROP.hasBufferElements(bytes));
        answers("BytesObject.isBufferWritable", false, () -> INTEROP.isBufferWritable(bytes));
        answers("BytesObject.getBufferSize", 8L, () -> INTEROP.getBufferSize(bytes));
        answers("BytesObject.readBufferByte", (byte) -1, () -> INTEROP.readBufferByte(bytes, 1));
        var little = ByteOrder.LITTLE_ENDIAN;
        answers("BytesObject.readBufferShort", (short) 0xff01, () -> INTEROP.readBufferShort(bytes, little, 0));
        answers(
                "BytesObject.readBufferShort",
                (short) 0x01ff,
                () -> INTEROP.readBufferShort(bytes, ByteOrder.BIG_ENDIAN, 0));
        answers("BytesObject.readBufferInt", 0x0403ff01, () -> INTEROP.readBufferInt(bytes, little, 0));
        answers("BytesObject.readBufferLong", 0x080706050403ff01L, () -> INTEROP.readBufferLong(bytes, little, 0));
        answers(
                "BytesObject.readBufferFloat",
                Float.intBitsToFloat(0x08070605),
                () -> INTEROP.readBufferFloat(bytes, little, 4));
        answers(
                "BytesObject.readBufferDouble",
                Double.longBitsToDouble(0x080706050403ff01L),
                () -> INTEROP.readBufferDouble(bytes, little, 0));
        refuses(
                "BytesObject.readBufferLong",
                InvalidBufferOffsetException.class,
                () -> INTEROP.readBufferLong(bytes, little, 1));
        answers("BytesObject.readBuffer", (byte) 4, () -> {
            var into = new byte[3];
            INTEROP.readBuffer(bytes, 2, into, 1, 2);
            return into[2];
        });
        var refused = UnsupportedMessageException.class;
        refuses("BytesObject.writeBufferByte", refused, () -> sent(() -> INTEROP.writeBufferByte(bytes, 0, (byte) 1)));
        refuses(
                "BytesObject.writeBufferShort",
                refused,
                () -> sent(() -> INTEROP.writeBufferShort(bytes, little, 0, (short) 1)));
        refuses("BytesObject.writeBufferInt", refused, () -> sent(() -> INTEROP.writeBufferInt(bytes, little, 0, 1)));
        refuses("BytesObject.writeBufferLong", refused, () -> sent(() -> INTEROP.writeBufferLong(bytes, little, 0, 1)));
        refuses(
                "BytesObject.writeBufferFloat",
                refused,
                () -> sent(() -> INTEROP.writeBufferFloat(bytes, little, 0, 1)));
        refuses(
                "BytesObject.writeBufferDouble",
                refused,
                () -> sent(() -> INTEROP.writeBufferDouble(bytes, little, 0, 1)));
    }

    @FunctionalInterface
    private interface Sending {
        void send() throws Exception;
    }

    private static Object sent(Sending sending) throws Exception {
        sending.send();
        return "done";
    }

    private void unsignedNumbers() {
        var most = new UnsignedObject(-1);
        var even = new UnsignedObject(1L << 63);
        answers("UnsignedObject.isNumber", true, () -> INTEROP.isNumber(most));
        for (var small : List.of("Byte", "Short", "Int", "Long")) {
            asked.add("UnsignedObject.fitsIn" + small);
            asked.add("UnsignedObject.as" + small);
        }
        answers("UnsignedObject.fitsInByte", false, () -> INTEROP.fitsInByte(most));
        answers("UnsignedObject.fitsInShort", false, () -> INTEROP.fitsInShort(most));
        answers("UnsignedObject.fitsInInt", false, () -> INTEROP.fitsInInt(most));
        answers("UnsignedObject.fitsInLong", false, () -> INTEROP.fitsInLong(most));
        var refused = UnsupportedMessageException.class;
        refuses("UnsignedObject.asByte", refused, () -> INTEROP.asByte(most));
        refuses("UnsignedObject.asShort", refused, () -> INTEROP.asShort(most));
        refuses("UnsignedObject.asInt", refused, () -> INTEROP.asInt(most));
        refuses("UnsignedObject.asLong", refused, () -> INTEROP.asLong(most));
        answers("UnsignedObject.fitsInBigInteger", true, () -> INTEROP.fitsInBigInteger(most));
        answers(
                "UnsignedObject.asBigInteger",
                new BigInteger("18446744073709551615"),
                () -> INTEROP.asBigInteger(most));
        answers("UnsignedObject.fitsInDouble", false, () -> INTEROP.fitsInDouble(most));
        answers("UnsignedObject.fitsInDouble", true, () -> INTEROP.fitsInDouble(even));
        answers("UnsignedObject.asDouble", 0x1p63, () -> INTEROP.asDouble(even));
        refuses("UnsignedObject.asDouble", refused, () -> INTEROP.asDouble(most));
        answers("UnsignedObject.fitsInFloat", true, () -> INTEROP.fitsInFloat(even));
        answers("UnsignedObject.asFloat", 0x1p63f, () -> INTEROP.asFloat(even));
        refuses("UnsignedObject.asFloat", refused, () -> INTEROP.asFloat(most));
        answers("UnsignedObject.hasLanguage", true, () -> INTEROP.hasLanguage(most));
        answers("UnsignedObject.getLanguage", SkepLanguage.class, () -> INTEROP.getLanguage(most));
        answers("UnsignedObject.toDisplayString", "18446744073709551615", () -> INTEROP.toDisplayString(most));
    }

    private void iterators() {
        var iterator = new IteratorObject("words", List.of("a").iterator());
        answers("IteratorObject.isIterator", true, () -> INTEROP.isIterator(iterator));
        answers("IteratorObject.hasLanguage", true, () -> INTEROP.hasLanguage(iterator));
        answers("IteratorObject.getLanguage", SkepLanguage.class, () -> INTEROP.getLanguage(iterator));
        answers("IteratorObject.toDisplayString", "iterator over words", () -> INTEROP.toDisplayString(iterator));
        answers("IteratorObject.hasIteratorNextElement", true, () -> INTEROP.hasIteratorNextElement(iterator));
        answers("IteratorObject.getIteratorNextElement", "a", () -> INTEROP.getIteratorNextElement(iterator));
        answers("IteratorObject.hasIteratorNextElement", false, () -> INTEROP.hasIteratorNextElement(iterator));
        refuses(
                "IteratorObject.getIteratorNextElement",
                StopIterationException.class,
                () -> INTEROP.getIteratorNextElement(iterator));
    }

    private static HistogramObject histogram() {
        return new HistogramObject(new Aggregate.LinearHistogram(0, 40, 10, Aggregate.Counts.of(1, 2, 3, 0, 0, 0)));
    }

    private void histograms() {
        var histogram = histogram();
        answers("HistogramObject.hasArrayElements", true, () -> INTEROP.hasArrayElements(histogram));
        answers("HistogramObject.getArraySize", true, () -> INTEROP.getArraySize(histogram) >= 3);
        answers("HistogramObject.isArrayElementReadable", true, () -> INTEROP.isArrayElementReadable(histogram, 0));
        answers("HistogramObject.isArrayElementReadable", false, () -> INTEROP.isArrayElementReadable(histogram, 99));
        answers("HistogramObject.readArrayElement", 6L, () -> {
            long count = 0;
            for (long i = 0; i < INTEROP.getArraySize(histogram); i++) {
                count += (long) INTEROP.readMember(INTEROP.readArrayElement(histogram, i), "count");
            }
            return count;
        });
        refuses(
                "HistogramObject.readArrayElement",
                InvalidArrayIndexException.class,
                () -> INTEROP.readArrayElement(histogram, 99));
    }

    private static View.Row row(long key, String value) {
        return new View.Row(List.of(Value.of(key)), Value.of(value));
    }

    private void maps() {
        var map = new MapObject(new View.MapView("@m", true, View.Shape.OTHER, List.of(row(1, "a"), row(2, "b"))));
        answers("MapObject.hasHashEntries", true, () -> INTEROP.hasHashEntries(map));
        answers("MapObject.getHashSize", 2L, () -> INTEROP.getHashSize(map));
        answers("MapObject.isHashEntryReadable", true, () -> INTEROP.isHashEntryReadable(map, 2));
        answers("MapObject.isHashEntryReadable", false, () -> INTEROP.isHashEntryReadable(map, "2"));
        answers("MapObject.readHashValue", "b", () -> INTEROP.readHashValue(map, 2L));
        refuses("MapObject.readHashValue", UnknownKeyException.class, () -> INTEROP.readHashValue(map, 3));
        answers(
                "MapObject.getHashEntriesIterator",
                "[1, a]",
                () -> Guest.text(INTEROP.getIteratorNextElement(INTEROP.getHashEntriesIterator(map))));
        answers("MapObject.hasIterator", true, () -> INTEROP.hasIterator(map));
        answers(
                "MapObject.getIterator",
                "[1, a]",
                () -> Guest.text(INTEROP.getIteratorNextElement(INTEROP.getIterator(map))));
        var parts = new MapObject(new View.MapView(
                "@p", true, View.Shape.OTHER, List.of(new View.Row(List.of(Value.of(1), Value.of("x")), Value.of(7)))));
        answers("MapObject.readHashValue", 7L, () -> INTEROP.readHashValue(parts, new ArrayObject(List.of(1, "x"))));
    }

    private void events() throws Exception {
        var record = new Value.Rec(List.of(new Value.Member("pid", Value.of(7))));
        var event = new EventObject(new ScriptEvent("print", "{pid: 7}\n", new View.Printed(record)));
        assertEquals(7L, INTEROP.readMember(event, "pid"));
        assertEquals("print", INTEROP.readMember(event, "kind"));
        assertEquals(7L, INTEROP.readMember(INTEROP.readMember(event, "value"), "pid"));
        assertEquals("[kind, text, value, handle, pid]", Guest.text(INTEROP.getMembers(event)));
    }

    private void exceptions() {
        var failure = assertThrows(
                org.graalvm.polyglot.PolyglotException.class, () -> context.eval("skep", "begin { nosuch(); }"));
        assertTrue(failure.isSyntaxError());
        var plain = GuestException.plain("wrong");
        answers("GuestException.getExceptionType", ExceptionType.RUNTIME_ERROR, () -> INTEROP.getExceptionType(plain));
        refuses(
                "GuestException.isExceptionIncompleteSource",
                UnsupportedMessageException.class,
                () -> INTEROP.isExceptionIncompleteSource(plain));
        answers("GuestException.hasSourceLocation", false, () -> INTEROP.hasSourceLocation(plain));
        refuses(
                "GuestException.getSourceLocation",
                UnsupportedMessageException.class,
                () -> INTEROP.getSourceLocation(plain));
        answers("GuestException.hasLanguage", true, () -> INTEROP.hasLanguage(plain));
        answers("GuestException.getLanguage", SkepLanguage.class, () -> INTEROP.getLanguage(plain));
        answers("GuestException.toDisplayString", "wrong", () -> INTEROP.toDisplayString(plain));
        answers("GuestException.hasMembers", true, () -> INTEROP.hasMembers(plain));
        answers("GuestException.getMembers", "[message, diagnostics]", () -> Guest.text(INTEROP.getMembers(plain)));
        answers("GuestException.isMemberReadable", true, () -> INTEROP.isMemberReadable(plain, "message"));
        answers("GuestException.readMember", "wrong", () -> INTEROP.readMember(plain, "message"));
        answers("GuestException.readMember", 0L, () -> INTEROP.getArraySize(INTEROP.readMember(plain, "diagnostics")));
        refuses("GuestException.readMember", UnknownIdentifierException.class, () -> INTEROP.readMember(plain, "x"));
    }

    private void traces() {
        try (var target = skep.session.Targets.open("embedded:speed=max");
                var script = new RunningScript(
                        target,
                        "t",
                        "begin { print(1); exit(); }",
                        skep.session.SessionOptions.DEFAULT,
                        skep.session.Overflow.WAIT,
                        10)) {
            var source = Source.newBuilder("skep", script.text(), "t").build();
            var trace = new TraceObject(script, source, () -> {});
            answers("TraceObject.hasSourceLocation", true, () -> INTEROP.hasSourceLocation(trace));
            answers(
                    "TraceObject.getSourceLocation",
                    script.text(),
                    () -> INTEROP.getSourceLocation(trace).getCharacters().toString());
            answers("TraceObject.hasIterator", true, () -> INTEROP.hasIterator(trace));
            answers("TraceObject.getIterator", "[attached, print]", () -> {
                var kinds = new ArrayList<Object>();
                var events = INTEROP.getIterator(trace);
                while (INTEROP.hasIteratorNextElement(events)) {
                    kinds.add(INTEROP.readMember(INTEROP.getIteratorNextElement(events), "kind"));
                }
                return kinds.toString();
            });
        }
    }

    private void scopes() {
        var tracing = skep.truffle.lang.SkepLanguage.current();
        var name = "ScopeObject";
        for (Object top : List.of(ScopeObject.ofScripts(tracing), ScopeObject.ofPrograms(tracing))) {
            answers(name + ".isScope", true, () -> INTEROP.isScope(top));
            answers(name + ".isMemberModifiable", true, () -> INTEROP.isMemberModifiable(top, "target"));
            answers(name + ".isMemberModifiable", false, () -> INTEROP.isMemberModifiable(top, "anything"));
            answers(name + ".isMemberInsertable", false, () -> INTEROP.isMemberInsertable(top, "anything"));
            answers(name + ".writeMember", "embedded:seed=3", () -> {
                INTEROP.writeMember(top, "target", "embedded:seed=3");
                return INTEROP.readMember(top, "target");
            });
            refuses(
                    name + ".writeMember",
                    UnknownIdentifierException.class,
                    () -> sent(() -> INTEROP.writeMember(top, "anything", "x")));
            refuses(
                    name + ".writeMember",
                    UnsupportedTypeException.class,
                    () -> sent(() -> INTEROP.writeMember(top, "target", 5)));
            refuses(
                    name + ".writeMember",
                    GuestException.class,
                    () -> sent(() -> INTEROP.writeMember(top, "target", "nowhere")));
        }
        assertTrue(scope.hasMember("trace"));
    }

    private void tables() throws Exception {
        var tracing = skep.truffle.lang.SkepLanguage.current();
        var source = Source.newBuilder(
                        "bpf-c", "BPF_HASH(h, u32, u64, 2);\nint f(void *ctx) { return 0; }", "program.c")
                .build();
        try (var program = ProgramObject.compile(tracing, source)) {
            var table = INTEROP.invokeMember(program, "table", "h");
            answers("TableObject.hasHashEntries", true, () -> INTEROP.hasHashEntries(table));
            answers("TableObject.isHashEntryReadable", false, () -> INTEROP.isHashEntryReadable(table, 1));
            answers("TableObject.isHashEntryInsertable", true, () -> INTEROP.isHashEntryInsertable(table, 1));
            answers("TableObject.isHashEntryModifiable", false, () -> INTEROP.isHashEntryModifiable(table, 1));
            answers("TableObject.isHashEntryRemovable", false, () -> INTEROP.isHashEntryRemovable(table, 1));
            refuses("TableObject.readHashValue", UnknownKeyException.class, () -> INTEROP.readHashValue(table, 1));
            answers("TableObject.writeHashEntry", 5L, () -> {
                INTEROP.writeHashEntry(table, 1, 5);
                return INTEROP.readHashValue(table, 1);
            });
            answers("TableObject.readHashValue", 5L, () -> INTEROP.readHashValue(table, 1));
            refuses("TableObject.readHashValue", GuestException.class, () -> INTEROP.readHashValue(table, "text"));
            answers("TableObject.getHashSize", 1L, () -> INTEROP.getHashSize(table));
            answers(
                    "TableObject.getHashEntriesIterator",
                    "[1, 5]",
                    () -> Guest.text(INTEROP.getIteratorNextElement(INTEROP.getHashEntriesIterator(table))));
            answers("TableObject.hasIterator", true, () -> INTEROP.hasIterator(table));
            answers(
                    "TableObject.getIterator",
                    "[1, 5]",
                    () -> Guest.text(INTEROP.getIteratorNextElement(INTEROP.getIterator(table))));
            refuses("TableObject.writeHashEntry", GuestException.class, () -> {
                INTEROP.writeHashEntry(table, 2, 5);
                INTEROP.writeHashEntry(table, 3, 5);
                return "full";
            });
            answers("TableObject.removeHashEntry", false, () -> {
                INTEROP.removeHashEntry(table, 1);
                return INTEROP.isHashEntryExisting(table, 1);
            });
            refuses(
                    "TableObject.removeHashEntry",
                    UnknownKeyException.class,
                    () -> sent(() -> INTEROP.removeHashEntry(table, 1)));
        }
    }

    private void nothing() {
        answers("Nothing.isNull", true, () -> INTEROP.isNull(Nothing.NOTHING));
        answers("Nothing.hasLanguage", true, () -> INTEROP.hasLanguage(Nothing.NOTHING));
        answers("Nothing.getLanguage", SkepLanguage.class, () -> INTEROP.getLanguage(Nothing.NOTHING));
        answers("Nothing.toDisplayString", "null", () -> INTEROP.toDisplayString(Nothing.NOTHING));
    }

    /** {@code Class.message} of all that our classes export, read from their class files. */
    private static TreeSet<String> exported() throws IOException, URISyntaxException {
        var folder = Path.of(GuestObject.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        var messages = new TreeSet<String>();
        try (var files = Files.list(folder.resolve("skep/truffle/interop"))) {
            for (var file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                var model = ClassFile.of().parse(file);
                var name = model.thisClass().asInternalName();
                for (var method : model.methods()) {
                    var annotations = method.findAttribute(Attributes.runtimeInvisibleAnnotations())
                                    .map(a -> a.annotations().toString())
                                    .orElse("")
                            + method.findAttribute(Attributes.runtimeVisibleAnnotations())
                                    .map(a -> a.annotations().toString())
                                    .orElse("");
                    if (annotations.contains("ExportMessage")) {
                        var message = annotations.contains("getSourceLocation")
                                ? "getSourceLocation"
                                : method.methodName().stringValue();
                        messages.add(name.substring(name.lastIndexOf('/') + 1) + "." + message);
                    }
                }
            }
        }
        assertTrue(messages.size() > 80, messages.toString());
        return messages;
    }
}
