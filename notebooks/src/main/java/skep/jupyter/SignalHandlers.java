package skep.jupyter;

import java.lang.reflect.Proxy;

/** Ctrl-C of a console that shares its terminal with the kernel. */
final class SignalHandlers {
    private SignalHandlers() {}

    /** Runs an action at SIGINT instead of ending the process. By reflection: the class is outside the standard. */
    static void onInterrupt(Runnable action) {
        try {
            var signal = Class.forName("sun.misc.Signal");
            var handler = Class.forName("sun.misc.SignalHandler");
            var proxy = Proxy.newProxyInstance(
                    SignalHandlers.class.getClassLoader(), new Class<?>[] {handler}, (self, method, arguments) -> {
                        if (method.getName().equals("handle")) {
                            action.run();
                            return null;
                        }
                        return method.getName().equals("equals")
                                ? arguments[0] == self
                                : (Object) self.getClass().hashCode();
                    });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance("INT"), proxy);
        } catch (ReflectiveOperationException e) {
            // Without it Ctrl-C on the kernel's own terminal ends the kernel; front ends interrupt by message.
            assert e != null;
        }
    }
}
