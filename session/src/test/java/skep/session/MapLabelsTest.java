package skep.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import skep.session.view.View;

/** What axes are called follows from the script. */
class MapLabelsTest {
    @Test
    void keysAndValuesAreTheScriptsOwnExpressions() {
        var labels = MapLabels.of("""
                kprobe:vfs_read { @start[tid] = nsecs; @n[comm] = count(); }
                kretprobe:vfs_read { @us[(elapsed / 100ms), comm] =
                  hist((nsecs - @start[tid]) / 1000, 2); @ = lhist(args.bytes, 0, 10, 1); }
                """, "embedded");
        assertEquals(
                new View.Labels("(elapsed / 100ms)", "(nsecs - @start[tid]) / 1000", "embedded"), labels.get("@us"));
        assertEquals(new View.Labels("tid", "", "embedded"), labels.get("@start"));
        assertEquals(new View.Labels("comm", "", "embedded"), labels.get("@n"));
        assertEquals(new View.Labels("", "args.bytes", "embedded"), labels.get("@"));
    }

    @Test
    void variablesStandForWhatTheyAreSetTo() {
        var labels = MapLabels.of("{ $d = nsecs - @s[tid]; @a = hist($d); @b = hist($d / 1000); @c = hist($x); }", "");
        assertEquals("nsecs - @s[tid]", labels.get("@a").value());
        assertEquals("(nsecs - @s[tid]) / 1000", labels.get("@b").value());
        assertEquals("$x", labels.get("@c").value());
    }

    @Test
    void whatIsNotUnderstoodHasNoLabel() {
        assertFalse(MapLabels.of("kprobe:f { print(@a[", "").containsKey("@a"));
        assertEquals(View.Labels.NONE, MapLabels.of("@a = hist(", "").get("@a"));
    }
}
