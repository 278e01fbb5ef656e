package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.util.List;
import org.junit.jupiter.api.Test;

class SwitchFlatteningTest {
    /** What is rewritten: guards, nested sealed types, null, a default. */
    public static final class Sample {
        public static String describe(Object value) {
            return switch (value) {
                case null -> "nothing";
                case Integer number when number > 100 -> "big";
                case Integer _ -> "small";
                case CharSequence text when text.isEmpty() -> "empty";
                case String text -> "string " + text;
                case CharSequence _ -> "text";
                default -> "other";
            };
        }
    }

    @Test
    void flattenedSwitchesAnswerAsBefore() throws Exception {
        var rewritten = load(SwitchFlattening.flattened(bytes()));
        var describe = rewritten.getMethod("describe", Object.class);
        for (var value : List.of(1, 101, "", "a", new StringBuilder("b"), new StringBuilder(), 5L)) {
            assertEquals(Sample.describe(value), describe.invoke(null, value), value.toString());
        }
        assertEquals("nothing", describe.invoke(null, (Object) null));
    }

    @Test
    void noTypeSwitchIsLeft() throws IOException {
        assertTrue(hasTypeSwitch(bytes()));
        assertFalse(hasTypeSwitch(SwitchFlattening.flattened(bytes())));
    }

    @Test
    void bytesThatAreNoClassAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> SwitchFlattening.flattened(new byte[] {1, 2, 3}));
    }

    private static boolean hasTypeSwitch(byte[] bytes) {
        return ClassFile.of().parse(bytes).methods().stream()
                .flatMap(method -> method.code().stream())
                .flatMap(code -> code.elementStream())
                .anyMatch(element -> element instanceof InvokeDynamicInstruction call
                        && call.name().equalsString("typeSwitch"));
    }

    private static byte[] bytes() throws IOException {
        try (var in = SwitchFlatteningTest.class.getResourceAsStream("SwitchFlatteningTest$Sample.class")) {
            return in.readAllBytes();
        }
    }

    private static Class<?> load(byte[] bytes) {
        return new ClassLoader(SwitchFlatteningTest.class.getClassLoader()) {
            Class<?> define() {
                return defineClass(Sample.class.getName(), bytes, 0, bytes.length);
            }
        }.define();
    }
}
