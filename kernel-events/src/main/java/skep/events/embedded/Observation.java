package skep.events.embedded;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.TracepointFormat;
import skep.target.Happening;
import skep.target.Link;
import skep.vm.Memory;

/**
 * Tells what happens at a place, from the model's own objects: the task and the frame that is there, and the record of a
 * tracepoint. It stands where programs are attached, and no program runs for it. Used by the kernel's thread.
 */
final class Observation {
    private final EmbeddedKernel kernel;
    private final AttachPoints points;
    /** Functions that are running, with what was known when they were entered. */
    private final Map<Frame, Entered> running = new IdentityHashMap<>();

    private record Entered(long nanos, Map<String, String> values) {}

    Observation(EmbeddedKernel kernel) {
        this.kernel = kernel;
        points = new AttachPoints(kernel);
    }

    /** Begins to tell; closing the link ends it. Called under the kernel's lock. */
    Link at(ProbeSpec place, Consumer<Happening> observer, Clockwork clockwork) {
        return switch (place.kind()) {
            case KRETPROBE, URETPROBE -> returns(place, observer, clockwork);
            case TRACEPOINT -> {
                var format = kernel.findTracepoint(place.module(), place.target())
                        .map(Tracepoint::format)
                        .map(TracepointFormat::fields)
                        .orElse(List.of());
                yield attach(place, context -> told(observer, record(format, context)), clockwork);
            }
            case KPROBE, UPROBE ->
                attach(
                        place,
                        _ -> told(observer, arguments(kernel.firing.current().top())),
                        clockwork);
            default -> attach(place, context -> told(observer, words(context)), clockwork);
        };
    }

    private interface AtContext {
        void happens(long context);
    }

    private Link attach(ProbeSpec place, AtContext action, Clockwork clockwork) {
        return points.attach(place, new Attachment((_, context) -> action.happens(context), -1), clockwork);
    }

    private Link returns(ProbeSpec place, Consumer<Happening> observer, Clockwork clockwork) {
        var entry = new ProbeSpec(
                place.kind() == ProbeKind.KRETPROBE ? ProbeKind.KPROBE : ProbeKind.UPROBE,
                place.module(),
                place.target(),
                place.offset(),
                place.value(),
                place.pid());
        var entries = attach(
                entry,
                _ -> {
                    var frame = kernel.firing.current().top();
                    running.put(frame, new Entered(kernel.clockNanos(), arguments(frame)));
                },
                clockwork);
        var exits = attach(place, _ -> left(observer), clockwork);
        return new Link() {
            @Override
            public ProbeSpec probe() {
                return place;
            }

            @Override
            public String mechanism() {
                return exits.mechanism();
            }

            @Override
            public void close() {
                exits.close();
                entries.close();
            }
        };
    }

    private void left(Consumer<Happening> observer) {
        var task = kernel.firing.current();
        var entered = running.remove(task.top());
        if (entered == null) {
            return;
        }
        var values = new HashMap<>(entered.values());
        values.put("result", Long.toString(task.result));
        if (task.top().routine.user()) {
            values.put("text", kernel.vfs.userString(task.result));
        }
        file(task.top().object, values);
        if (task.top().object instanceof TcpSocket socket) {
            values.put("family", Integer.toString(socket.family));
        }
        ofTask(task, values);
        long now = kernel.clockNanos();
        observer.accept(new Happening(now, now - entered.nanos(), values));
    }

    private static void file(Object object, Map<String, String> values) {
        var dentry = switch (object) {
            case OpenFile open -> open.dentry;
            case Dentry own -> own;
            case null, default -> null;
        };
        if (dentry != null) {
            values.put("file", dentry.name);
            values.put("path", dentry.path());
        }
    }

    private void told(Consumer<Happening> observer, Map<String, String> values) {
        ofTask(kernel.firing.current(), values);
        observer.accept(new Happening(kernel.clockNanos(), 0, values));
    }

    /** Who did it. A field of the same name, as of a tracepoint about another task, is told with an underscore before it. */
    private static void ofTask(Task task, Map<String, String> values) {
        var own = Map.of(
                "pid", Integer.toString(task.process.pid),
                "tid", Integer.toString(task.tid),
                "comm", task.name(),
                "cpu", Integer.toString(task.cpu.id));
        own.forEach((name, value) -> {
            var ofField = values.put(name, value);
            if (ofField != null) {
                values.put("_" + name, ofField);
            }
        });
    }

    /** The arguments of the function that was entered: numbers by position and by name, texts of user memory as such. */
    private Map<String, String> arguments(Frame frame) {
        var values = new HashMap<String, String>();
        var parameters = frame.routine.prototype().parameters();
        for (int i = 0; i < parameters.size() && i < 6; i++) {
            long value = frame.argument(i);
            values.put("arg" + i, Long.toString(value));
            var parameter = parameters.get(i);
            var text = parameter.type().contains("char") && parameter.type().endsWith("*")
                    ? kernel.vfs.userString(value)
                    : "";
            values.put(
                    parameter.name().isEmpty() ? "arg" + i : parameter.name(),
                    text.isEmpty() ? Long.toString(value) : text);
        }
        return values;
    }

    /** What a static probe passes, in the registers of its arguments. */
    private Map<String, String> words(long context) {
        var values = new HashMap<String, String>();
        int[] registers = kernel.registers.arguments();
        for (int i = 0; i < registers.length; i++) {
            long value = Memory.getLong(context + registers[i]);
            values.put("arg" + i, Long.toString(value));
            values.put("text" + i, kernel.vfs.userString(value));
        }
        return values;
    }

    private Map<String, String> record(List<TracepointFormat.Field> fields, long context) {
        var values = new HashMap<String, String>();
        for (var field : fields) {
            long at = context + field.offsetBytes();
            if (field.dataLoc()) {
                values.put(field.name(), text(context + (Memory.getInt(at) & 0xffff), 255));
            } else if (field.type().contains("char") && field.arrayLength() > 0) {
                values.put(field.name(), text(at, field.sizeBytes()));
            } else {
                long value = number(at, field);
                var text = field.type().contains("char *") ? kernel.vfs.userString(value) : "";
                values.put(field.name(), text.isEmpty() ? Long.toString(value) : text);
            }
        }
        return values;
    }

    private static long number(long at, TracepointFormat.Field field) {
        return switch (field.sizeBytes()) {
            case 1 -> field.signed() ? Memory.getByte(at) : Memory.getByte(at) & 0xff;
            case 2 -> field.signed() ? Memory.getShort(at) : Memory.getShort(at) & 0xffff;
            case 4 -> field.signed() ? Memory.getInt(at) : Memory.getInt(at) & 0xffff_ffffL;
            default -> Memory.getLong(at);
        };
    }

    private static String text(long at, int maxBytes) {
        var text = new StringBuilder();
        for (int i = 0; i < maxBytes; i++) {
            byte b = Memory.getByte(at + i);
            if (b == 0) {
                break;
            }
            text.append((char) (b & 0xff));
        }
        return text.toString();
    }
}
