package skep.events.embedded;

/**
 * Libraries that programs of the model call, as far as tools attach to them: name resolution, threads and locks of the C
 * library, and three libraries of transport encryption.
 */
final class Libraries {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_DGRAM = 2;

    private final EmbeddedKernel kernel;
    private final Syscalls sys;
    private final long buffer;

    final UserImage libc;
    final UserImage ssl;
    final UserImage gnutls;
    final UserImage nspr;
    final UserImage pthread;

    final Routine getaddrinfo;
    final Routine gethostbyname;
    final Routine gethostbyname2;
    final Routine pthreadCreate;
    /** The same by way of the library that had it before glibc 2.34. */
    final Routine oldPthreadCreate;

    final Routine mutexLock;
    final Routine mutexUnlock;
    final Routine sslHandshake;
    final Routine sslWrite;
    final Routine sslRead;
    final Routine gnutlsSend;
    final Routine gnutlsRecv;
    final Routine prWrite;
    final Routine prRead;
    final Routine prSend;
    final Routine prRecv;
    private final Routine threadStart;
    private final Routine rsaVerify;
    private final Routine rsaSign;
    private final Routine publicDecrypt;
    private final Routine privateEncrypt;
    private final Routine publicEncrypt;
    private final Routine privateDecrypt;
    private final Routine ecdsaVerify;
    private final Routine ecdsaSign;
    private final Routine ecdh;
    private final Routine simpleEcdh;
    private final StaticProbe threadCreated;
    private final StaticProbe threadStarted;
    private final StaticProbe mutexEntry;
    private final StaticProbe mutexAcquired;
    private final StaticProbe mutexReleased;

    /** What a new thread runs. */
    record Thread(Routine main, Object argument) {}

    Libraries(EmbeddedKernel kernel) {
        this.kernel = kernel;
        sys = kernel.syscalls;
        var user = kernel.userSpace;
        buffer = user.buffer();
        libc = user.library("libc.so.6");
        ssl = user.library("libssl.so.3");
        gnutls = user.library("libgnutls.so.30");
        nspr = user.library("libnspr4.so");
        pthread = user.library("libpthread.so.0");
        var crypto = user.library("libcrypto.so.3");

        getaddrinfo = libc.function(
                "int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)",
                resolve(0));
        gethostbyname = libc.function("struct hostent *gethostbyname(const char *name)", resolve(buffer));
        gethostbyname2 = libc.function("struct hostent *gethostbyname2(const char *name, int af)", resolve(buffer));
        threadCreated = libc.probe("libpthread", "pthread_create", 8, 8, 8, 8);
        threadStarted = libc.probe("libpthread", "pthread_start", 8, 8, 8);
        mutexEntry = libc.probe("libpthread", "mutex_entry", 8);
        mutexAcquired = libc.probe("libpthread", "mutex_acquired", 8);
        mutexReleased = libc.probe("libpthread", "mutex_release", 8);
        threadStart = libc.function("int start_thread(void *arg)", this::startThread);
        pthreadCreate = libc.function(
                "int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *start_routine, void *arg)",
                this::pthreadCreate);
        oldPthreadCreate = pthread.function(
                "int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *start_routine, void *arg)",
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(pthreadCreate(), frame.a0, frame.a1, frame.a2, frame.a3).object = frame.object;
                    } else {
                        task.ret(task.result);
                    }
                });
        mutexLock = libc.function("int pthread_mutex_lock(pthread_mutex_t *mutex)", (task, frame) -> {
            switch (frame.next()) {
                case 0 -> {
                    mutexEntry().fire(task, frame.a0);
                    task.work(25);
                }
                case 1 -> {
                    if (kernel.rng.oneIn(24)) {
                        task.syscall(sys.futex, frame.a0, 0x80, 2, 0, 0, 0);
                    }
                }
                default -> {
                    mutexAcquired().fire(task, frame.a0);
                    task.ret(0);
                }
            }
        });
        mutexUnlock = libc.function("int pthread_mutex_unlock(pthread_mutex_t *mutex)", (task, frame) -> {
            if (frame.next() == 0) {
                mutexReleased().fire(task, frame.a0);
                task.work(18);
            } else {
                task.ret(0);
            }
        });

        publicDecrypt = crypto.leaf(
                "int rsa_ossl_public_decrypt(int flen, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)",
                35_000,
                256);
        publicEncrypt = crypto.leaf(
                "int rsa_ossl_public_encrypt(int flen, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)",
                34_000,
                256);
        privateEncrypt = crypto.leaf(
                "int rsa_ossl_private_encrypt(int flen, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)",
                620_000,
                256);
        privateDecrypt = crypto.leaf(
                "int rsa_ossl_private_decrypt(int flen, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)",
                610_000,
                48);
        rsaVerify = crypto.function(
                "int RSA_verify(int dtype, const unsigned char *m, unsigned int m_len, const unsigned char *sigbuf, unsigned int siglen, RSA *rsa)",
                passes(publicDecrypt));
        rsaSign = crypto.function(
                "int RSA_sign(int type, const unsigned char *m, unsigned int m_len, unsigned char *sigret, unsigned int *siglen, RSA *rsa)",
                passes(privateEncrypt));
        ecdsaVerify = crypto.leaf(
                "int ossl_ecdsa_verify(int type, const unsigned char *dgst, int dgst_len, const unsigned char *sigbuf, int sig_len, EC_KEY *eckey)",
                90_000,
                1);
        ecdsaSign = crypto.leaf(
                "int ossl_ecdsa_sign(int type, const unsigned char *dgst, int dlen, unsigned char *sig, unsigned int *siglen, EC_KEY *eckey)",
                40_000,
                1);
        simpleEcdh = crypto.leaf(
                "int ecdh_simple_compute_key(unsigned char **pout, size_t *poutlen, const EC_POINT *pub_key, const EC_KEY *ecdh)",
                55_000,
                1);
        ecdh = crypto.function(
                "int ossl_ecdh_compute_key(unsigned char **psec, size_t *pseclen, const EC_POINT *pub_key, const EC_KEY *ecdh)",
                passes(simpleEcdh));
        sslHandshake = ssl.function("int SSL_do_handshake(SSL *ssl)", this::handshake);
        sslWrite = ssl.function("int SSL_write(SSL *ssl, const void *buf, int num)", transfer(true));
        sslRead = ssl.function("int SSL_read(SSL *ssl, void *buf, int num)", transfer(false));
        gnutlsSend = gnutls.function(
                "ssize_t gnutls_record_send(gnutls_session_t session, const void *data, size_t data_size)",
                transfer(true));
        gnutlsRecv = gnutls.function(
                "ssize_t gnutls_record_recv(gnutls_session_t session, void *data, size_t data_size)", transfer(false));
        prWrite = nspr.function("int PR_Write(PRFileDesc *fd, const void *buf, int amount)", transfer(true));
        prRead = nspr.function("int PR_Read(PRFileDesc *fd, void *buf, int amount)", transfer(false));
        prSend = nspr.function(
                "int PR_Send(PRFileDesc *fd, const void *buf, int amount, int flags, unsigned int timeout)",
                transfer(true));
        prRecv = nspr.function(
                "int PR_Recv(PRFileDesc *fd, void *buf, int amount, int flags, unsigned int timeout)", transfer(false));
        ssl.libraries.add(crypto);
    }

    private Routine pthreadCreate() {
        return pthreadCreate;
    }

    private StaticProbe mutexEntry() {
        return mutexEntry;
    }

    private StaticProbe mutexAcquired() {
        return mutexAcquired;
    }

    private StaticProbe mutexReleased() {
        return mutexReleased;
    }

    private static Body passes(Routine inner) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.spend(2_000);
                case 1 -> task.call(inner, frame.a2, frame.a1, frame.a3, frame.a5, 1);
                default -> task.ret(1);
            }
        };
    }

    /** Asks the name server; every third question goes by IPv6. */
    private Body resolve(long value) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.syscall(sys.socket, kernel.rng.oneIn(3) ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
                case 1 -> {
                    frame.v0 = task.result;
                    task.syscall(sys.sendto, frame.v0, frame.a0, 44, 0, 0, 0);
                }
                case 2 -> task.syscall(sys.recvfrom, frame.v0, buffer, 512, 0, 0, 0);
                case 3 -> task.syscall(sys.close, frame.v0);
                default -> task.ret(value);
            }
        };
    }

    // Threads

    /** Calls {@code pthread_create} for a thread that runs a routine. */
    void callCreate(Task task, Thread thread, boolean old) {
        task.call(old ? oldPthreadCreate : pthreadCreate, buffer, 0, thread.main().address, 0).object = thread;
    }

    private void pthreadCreate(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                // stacks of threads that ended are used again
                if (task.process.freeStacks.isEmpty()) {
                    task.call(kernel.heap.mmap, 0, 8 << 20, 3, 0x2_0022, -1L, 0);
                } else {
                    task.result = task.process.freeStacks.removeLast();
                    task.work(20);
                }
            }
            case 1 -> {
                frame.v0 = task.result;
                task.pendingChild = new Processes.Child(threadStart, frame.object(), true);
                task.syscall(sys.clone, 0x3d_0f00, frame.v0, buffer, 0, buffer);
            }
            case 2 -> {
                threadCreated.fire(task, frame.v0, frame.a1, frame.a2, frame.a3);
                task.work(60);
            }
            default -> task.ret(0);
        }
    }

    private void startThread(Task task, Frame frame) {
        var thread = (Thread) frame.object();
        switch (frame.next()) {
            case 0 -> {
                threadStarted.fire(task, frame.a0, thread.main().address, 0);
                task.call(thread.main()).object = thread.argument();
            }
            default -> {
                task.process.freeStacks.add(task.stackMapping);
                task.syscall(sys.exit, 0);
            }
        }
    }

    // Encryption

    /** Exchanges keys over the socket whose descriptor is v1. */
    private void handshake(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.syscall(sys.sendto, frame.v1, buffer, 517, 0, 0, 0);
            case 1 -> task.syscall(sys.recvfrom, frame.v1, buffer, 16_384, 0, 0, 0);
            case 2 -> task.call(ecdh, buffer, buffer, buffer, buffer);
            case 3 -> task.call(kernel.rng.oneIn(2) ? rsaVerify : ecdsaVerify, 672, buffer, 32, buffer, 256, buffer);
            case 4 -> {
                if (kernel.rng.oneIn(4)) {
                    task.call(kernel.rng.oneIn(2) ? rsaSign : ecdsaSign, 672, buffer, 32, buffer, buffer, buffer);
                } else if (kernel.rng.oneIn(6)) {
                    task.call(kernel.rng.oneIn(2) ? publicEncrypt : privateDecrypt, 48, buffer, buffer, buffer, 1);
                }
            }
            default -> task.ret(1);
        }
    }

    /** Encrypts and sends, or receives and decrypts, over the socket whose descriptor is v1. */
    private Body transfer(boolean send) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.spend(send ? 500 + frame.a2 / 4 : 200);
                case 1 ->
                    task.syscall(
                            send ? sys.sendto : sys.recvfrom,
                            frame.v1,
                            buffer,
                            send ? frame.a2 + 29 : Math.max(frame.a2, 16_384),
                            0,
                            0,
                            0);
                case 2 -> {
                    frame.v0 = task.result;
                    task.spend(300);
                }
                default -> task.ret(send ? frame.a2 : Math.max(0, Math.min(frame.v0, frame.a2)));
            }
        };
    }

    /** Calls a function of an encryption library for a text. */
    void callEncrypted(Task task, Routine function, long descriptor, long text, long bytes) {
        task.call(function, buffer, text, bytes).v1 = descriptor;
    }

    void callHandshake(Task task, long descriptor) {
        task.call(sslHandshake, buffer).v1 = descriptor;
    }
}
