package skep.bindings.js;

import org.graalvm.polyglot.HostAccess;
import org.graalvm.polyglot.Value;
import skep.bindings.java.Trace;
import skep.bindings.java.TraceMap;
import skep.bindings.polyglot.GuestContext;

/** What the module {@code skep} may call. Everything else of the JVM is out of a script's reach. */
public final class JsBridge {
    private final GuestContext guests;

    JsBridge(GuestContext guests) {
        this.guests = guests;
    }

    /** The top of the tracing language. */
    @HostAccess.Export
    public Value skep() {
        return guests.bindings("skep");
    }

    /** The top of BCC's C. */
    @HostAccess.Export
    public Value programs() {
        return guests.bindings("bpf-c");
    }

    @HostAccess.Export
    public void setTarget(String spec) {
        guests.setTarget(spec);
    }

    /** The entries of a map as JSON, {@code [[key, value], …]}: for many entries faster than an object each. */
    @HostAccess.Export
    public String entries(Value trace, String map) {
        return json(((Trace) guests.toJava(trace)).map(map));
    }

    private static String json(TraceMap map) {
        var text = new JsonText().raw("[");
        boolean first = true;
        for (var entry : map) {
            text.raw(first ? "[" : ",[")
                    .value(entry.key())
                    .raw(",")
                    .value(entry.value())
                    .raw("]");
            first = false;
        }
        return text.raw("]").toString();
    }

    /** What an event printed, as JSON. */
    @HostAccess.Export
    public String value(Value event) {
        return new JsonText().value(guests.toJava(event)).toString();
    }

    /** A map as the terminal shows it. */
    @HostAccess.Export
    public String show(Value trace, String map) {
        return ((Trace) guests.toJava(trace)).map(map).toString();
    }
}
