package skep.cli;

import java.lang.invoke.MethodHandles;
import java.lang.reflect.Proxy;
import skep.session.Session;

/**
 * Hands signals sent to this process to a script's {@code self:signal} probes. The JDK's signal class is reached by
 * reflection: it is no part of the Java API and naming it is a compiler warning that cannot be switched off.
 */
final class SelfSignals {
    private SelfSignals() {}

    static void deliver(Session session) {
        for (var name : session.signals()) {
            try {
                var signal = Class.forName("sun.misc.Signal");
                var handler = Class.forName("sun.misc.SignalHandler");
                var instance = signal.getConstructor(String.class)
                        .newInstance(name.startsWith("SIG") ? name.substring(3) : name);
                var callback = Proxy.newProxyInstance(
                        MethodHandles.lookup().lookupClass().getClassLoader(),
                        new Class<?>[] {handler},
                        (_, method, _) -> {
                            if (method.getName().equals("handle")) {
                                session.signal(name);
                            }
                            return null;
                        });
                signal.getMethod("handle", signal, handler).invoke(null, instance, callback);
            } catch (ReflectiveOperationException e) {
                throw new Arguments.UsageException(
                        "self:signal:" + name + " cannot be watched: the Java machine uses it itself");
            }
        }
    }
}
