package skep.truffle.lang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.oracle.truffle.tck.tests.ErrorTypeTest;
import com.oracle.truffle.tck.tests.ExpressionTest;
import com.oracle.truffle.tck.tests.IdentityFunctionTest;
import com.oracle.truffle.tck.tests.InvalidSyntaxTest;
import com.oracle.truffle.tck.tests.ScriptTest;
import com.oracle.truffle.tck.tests.StatementTest;
import com.oracle.truffle.tck.tests.ValueTest;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.runner.JUnitCore;

/** Truffle's compatibility kit for languages, 24.2.0, which is of JUnit 4's time. */
@Timeout(300)
class InteropTckTest {
    @ParameterizedTest
    @ValueSource(
            classes = {
                ValueTest.class,
                ScriptTest.class,
                InvalidSyntaxTest.class,
                IdentityFunctionTest.class,
                ErrorTypeTest.class,
                ExpressionTest.class,
                StatementTest.class
            })
    void holds(Class<?> tests) {
        var result = JUnitCore.runClasses(tests);
        assertEquals(
                List.of(),
                result.getFailures().stream()
                        .map(failure -> failure.getTestHeader() + ": " + failure.getTrace())
                        .toList());
        boolean ofExpressions =
                tests == ExpressionTest.class || tests == StatementTest.class || tests == ErrorTypeTest.class;
        assertTrue(ofExpressions || result.getRunCount() > 0, tests.getSimpleName() + " ran nothing");
    }
}
