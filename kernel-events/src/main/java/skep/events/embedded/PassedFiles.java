package skep.events.embedded;

import java.util.ArrayList;

/** Open files that processes send each other over sockets ({@code SCM_RIGHTS}). */
final class PassedFiles {
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int HEADER_BYTES = 16;

    private final EmbeddedKernel kernel;
    final Routine sysSendmsg;
    final Routine sysRecvmsg;
    private final Routine scmSend;
    private final Routine detach;

    PassedFiles(EmbeddedKernel kernel) {
        this.kernel = kernel;
        scmSend = kernel.leaf("int __scm_send(struct socket *sock, struct msghdr *msg, struct scm_cookie *p)", 420);
        detach = kernel.function("void scm_detach_fds(struct msghdr *msg, struct scm_cookie *scm)", this::detach);
        sysSendmsg = kernel.function(
                "long __sys_sendmsg(int fd, struct user_msghdr *msg, unsigned int flags, bool forbid_cmsg_compat)",
                (task, frame) -> message(task, frame, true));
        sysRecvmsg = kernel.function(
                "long __sys_recvmsg(int fd, struct user_msghdr *msg, unsigned int flags, bool forbid_cmsg_compat)",
                (task, frame) -> message(task, frame, false));
    }

    private void message(Task task, Frame frame, boolean send) {
        switch (frame.next()) {
            case 0 -> {
                var file = task.process.file(frame.a0);
                if (file == null) {
                    task.ret(-Vfs.EBADF);
                    return;
                }
                long address = switch (file.target) {
                    case Channels.Socket socket -> socket.address;
                    case TcpSocket socket -> socket.socketAddress;
                    default -> 0;
                };
                if (address == 0) {
                    task.ret(-Vfs.EBADF);
                    return;
                }
                long header = task.local(0xd80);
                control(header, task, send);
                var callee = task.call(kernel.channels.socketMessage(send), address, header, 0);
                callee.object = file.target;
                callee.v1 = send ? 64 : 4096;
            }
            default -> task.ret(task.result);
        }
    }

    /** What comes with a message, in the {@code struct msghdr} at this address. */
    private void control(long header, Task task, boolean send) {
        long control = task.local(0xc40);
        int count = send ? task.passed.size() : 0;
        kernel.objects.set("msghdr", "msg_control", header, control);
        kernel.objects.set(
                "msghdr", "msg_controllen", header, send && count == 0 ? 0 : HEADER_BYTES + 4L * Math.max(1, count));
        write(control, task, count);
    }

    private void write(long control, Task task, int count) {
        kernel.memory.putLong(control, HEADER_BYTES + 4L * count);
        kernel.memory.putInt(control + 8, SOL_SOCKET);
        kernel.memory.putInt(control + 12, SCM_RIGHTS);
        for (int i = 0; i < count; i++) {
            kernel.memory.putInt(control + HEADER_BYTES + 4L * i, task.passed.get(i));
        }
    }

    /** Calls {@code __scm_send} if the message of this task has files with it. */
    boolean callSend(Task task, long socket, long header) {
        if (task.passed.isEmpty()) {
            return false;
        }
        task.call(scmSend, socket, header, task.local(0xc00));
        return true;
    }

    /** The files that the task sends go with the message. */
    void attach(Task task, Channels.Datagram message) {
        if (task.passed.isEmpty()) {
            return;
        }
        var files = new ArrayList<OpenFile>();
        for (int fd : task.passed) {
            var file = task.process.file(fd);
            if (file != null) {
                file.references++;
                files.add(file);
            }
        }
        message.files = files;
        task.passed.clear();
    }

    void callDetach(Task task, long header, Channels.Datagram message) {
        task.call(detach, header, task.local(0xc00)).object = message;
    }

    private void detach(Task task, Frame frame) {
        var message = (Channels.Datagram) frame.object();
        switch (frame.next()) {
            case 0 -> {
                var numbers = new ArrayList<Integer>();
                for (var file : message.files) {
                    numbers.add(task.process.install(file));
                }
                kernel.truth.count("files passed", numbers.size());
                task.passed.clear();
                task.passed.addAll(numbers);
                long control = task.local(0xc40);
                write(control, task, numbers.size());
                task.passed.clear();
                task.received = numbers.isEmpty() ? -1 : numbers.getFirst();
                message.files = java.util.List.of();
                task.spend(300);
            }
            default -> task.ret(0);
        }
    }
}
