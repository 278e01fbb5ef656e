package skep.events.embedded;

/** Credentials and capabilities: who asks for which right, and the system calls that change identities. */
final class Security {
    static final int CAP_DAC_OVERRIDE = 1;
    static final int CAP_SETUID = 7;
    static final int CAP_NET_BIND_SERVICE = 10;
    static final int CAP_IPC_OWNER = 15;
    static final int CAP_SYS_ADMIN = 21;
    private static final int EPERM = 1;

    private final EmbeddedKernel kernel;
    private final SlabCache credCache;
    private final Routine capCapable;
    private final Routine capable;
    private final Routine prepareCreds;
    private final Routine commitCreds;
    final Routine setuid;
    final Routine setresuid;
    final Routine setfsuid;

    Security(EmbeddedKernel kernel) {
        this.kernel = kernel;
        credCache = kernel.slab.cache("cred_jar", kernel.types.sizeBytes("cred"));
        capCapable = kernel.function(
                "int cap_capable(const struct cred *cred, struct user_namespace *targ_ns, int cap, unsigned int opts)",
                this::capCapable);
        capable = kernel.function(
                "int security_capable(const struct cred *cred, struct user_namespace *ns, int cap, unsigned int opts)",
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(capCapable, frame.a0, frame.a1, frame.a2, frame.a3);
                    } else {
                        task.ret(task.result);
                    }
                });
        prepareCreds = kernel.function("struct cred *prepare_creds(void)", (task, frame) -> {
            switch (frame.next()) {
                case 0 -> kernel.slab.callAlloc(task, credCache);
                case 1 -> {
                    frame.v0 = task.result;
                    task.spend(140);
                }
                default -> task.ret(frame.v0);
            }
        });
        commitCreds = kernel.function("int commit_creds(struct cred *new)", this::commitCreds);
        setuid = kernel.function("long __sys_setuid(uid_t uid)", identity());
        setresuid = kernel.function("long __sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)", identity());
        setfsuid = kernel.function("long __sys_setfsuid(uid_t uid)", (task, frame) -> {
            if (frame.next() == 0) {
                task.spend(180);
            } else {
                task.ret(task.process.uid);
            }
        });
    }

    private void capCapable(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("capability checks", 1);
                task.work(24);
            }
            default -> task.ret(task.process.uid == 0 ? 0 : -EPERM);
        }
    }

    /** Asks whether the current task has a capability; 0 or {@code -EPERM} is its next result. */
    void callCapable(Task task, int capability) {
        long credentials = task.credentials != 0 ? task.credentials : task.process.credentials;
        task.call(capable, credentials, kernel.objects.userNamespace(), capability, 0);
    }

    /** An operation that needs a capability. */
    Routine privileged(String declaration, int capability, long typicalNanos, Body after) {
        return kernel.function(declaration, (task, frame) -> {
            switch (frame.next()) {
                case 0 -> callCapable(task, capability);
                case 1 -> {
                    if (task.result != 0) {
                        task.ret(task.result);
                        return;
                    }
                    task.spend(typicalNanos);
                }
                default -> after.step(task, frame);
            }
        });
    }

    private Body identity() {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.call(prepareCreds);
                case 1 -> {
                    frame.v0 = task.result;
                    callCapable(task, CAP_SETUID);
                }
                case 2 -> {
                    frame.v1 = task.result != 0 && frame.a0 != task.process.uid ? -EPERM : 0;
                    if (frame.v1 != 0) {
                        kernel.slab.callFree(task, credCache, frame.v0);
                    } else {
                        task.call(commitCreds, frame.v0).v0 = frame.a0;
                    }
                }
                default -> task.ret(frame.v1);
            }
        };
    }

    private void commitCreds(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                frame.v1 = task.credentials;
                task.credentials = frame.a0;
                task.process.uid = (int) frame.v0;
                kernel.objects.shared(task);
                task.spend(120);
            }
            case 1 -> {
                if (frame.v1 != 0) {
                    kernel.slab.callFree(task, credCache, frame.v1);
                }
            }
            default -> task.ret(0);
        }
    }
}
