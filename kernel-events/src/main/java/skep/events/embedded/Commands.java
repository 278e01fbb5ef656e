package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The commands that {@code -c} and the model's shells can run. */
final class Commands {
    private static final int AT_FDCWD = -100;
    private static final long SECOND = 1_000_000_000L;

    private final EmbeddedKernel kernel;
    private final Applications applications;
    private final Syscalls sys;
    private final long buffer;
    private final Routine shellChild;

    Commands(EmbeddedKernel kernel, Applications applications) {
        this.kernel = kernel;
        this.applications = applications;
        sys = kernel.syscalls;
        buffer = kernel.userSpace.buffer();
        var user = kernel.userSpace;
        user.program("/usr/bin/bash", this::shell);
        shellChild = user.image("/usr/bin/bash")
                .function(
                        "void execute_disk_command(void)",
                        (task, frame) -> task.exec((Program.Invocation) frame.object()));
        user.program("/usr/bin/sh", this::shell);
        user.program("/usr/bin/true", (task, frame) -> exit(task, 0));
        user.program("/usr/bin/false", (task, frame) -> exit(task, 1));
        user.program("/usr/bin/sleep", this::sleepCommand);
        user.program("/usr/bin/ls", this::ls);
        user.program("/usr/bin/cat", this::cat);
        user.program("/usr/bin/dd", this::dd);
        user.program("/usr/bin/find", this::ls);
        user.program("/usr/bin/date", this::date);
        user.program("/usr/bin/id", this::date);
        user.program("/usr/bin/uname", this::date);
    }

    private void exit(Task task, int status) {
        task.syscall(sys.exitGroup, status);
    }

    private void open(Task task, long path) {
        task.syscall(sys.openat, AT_FDCWD, path, 0x80000, 0);
    }

    private void sleepCommand(Task task, Frame frame) {
        var invocation = (Program.Invocation) frame.object();
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/etc/ld.so.cache"));
            case 1 -> task.syscall(sys.close, task.result);
            case 2 -> task.sleep(seconds(invocation.argument(1, "1")));
            default -> exit(task, 0);
        }
    }

    private static long seconds(String text) {
        try {
            return Math.max(1, (long) (Double.parseDouble(text) * SECOND));
        } catch (NumberFormatException e) {
            return 1;
        }
    }

    private String lastOperand(Program.Invocation invocation, String otherwise) {
        for (int i = invocation.arguments().size() - 1; i > 0; i--) {
            if (!invocation.arguments().get(i).startsWith("-")) {
                return invocation.arguments().get(i);
            }
        }
        return otherwise;
    }

    private void ls(Task task, Frame frame) {
        var invocation = (Program.Invocation) frame.object();
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/etc/ld.so.cache"));
            case 1 -> task.syscall(sys.close, task.result);
            case 10 -> task.call(kernel.heap.freeRoutine, frame.v2);
            case 11 -> exit(task, (int) frame.v3);
            case 2 -> {
                var directory = kernel.vfs.find(lastOperand(invocation, "/"));
                boolean deep = invocation.arguments().contains("-R")
                        || invocation.program().comm().equals("find");
                var list = new ArrayList<Dentry>();
                if (directory != null) {
                    directories(directory, deep, list);
                }
                frame.other = list;
                frame.v0 = 0;
                frame.v3 = list.isEmpty() ? 2 : 0;
                task.call(applications.listMalloc(), 32_768);
            }
            case 3 -> {
                frame.v2 = frame.v0 == 0 ? task.result : frame.v2;
                var list = (List<?>) Objects.requireNonNull(frame.other);
                if (frame.v0 >= list.size()) {
                    frame.pc = 10;
                    return;
                }
                open(task, kernel.userSpace.string(((Dentry) list.get((int) frame.v0)).path()));
            }
            case 4 -> {
                frame.v1 = task.result;
                task.syscall(sys.fstat, frame.v1, buffer);
            }
            case 5 -> task.syscall(sys.getdents, frame.v1, buffer, 32_768);
            case 6 -> {
                if (task.result > 0) {
                    frame.pc = 6;
                    task.syscall(sys.getdents, frame.v1, buffer, 32_768);
                }
            }
            case 7 -> task.syscall(sys.close, frame.v1);
            case 8 -> {
                frame.v0++;
                frame.pc = 3;
                task.syscall(sys.write, 1, buffer, 300);
            }
            default -> exit(task, (int) frame.v3);
        }
    }

    private static void directories(Dentry at, boolean deep, List<Dentry> into) {
        into.add(at);
        if (deep) {
            for (var child : at.children.values()) {
                if (child.inode.directory) {
                    directories(child, true, into);
                }
            }
        }
    }

    private void cat(Task task, Frame frame) {
        var invocation = (Program.Invocation) frame.object();
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/etc/ld.so.cache"));
            case 1 -> task.syscall(sys.close, task.result);
            case 2 -> open(task, kernel.userSpace.string(lastOperand(invocation, "/etc/passwd")));
            case 3 -> {
                frame.v0 = task.result;
                if (frame.v0 < 0) {
                    frame.pc = 7;
                    frame.v3 = 1;
                }
            }
            case 4 -> task.syscall(sys.read, frame.v0, buffer, 131_072);
            case 5 -> {
                if (task.result > 0) {
                    frame.pc = 4;
                    task.syscall(sys.write, 1, buffer, task.result);
                }
            }
            case 6 -> task.syscall(sys.close, frame.v0);
            default -> exit(task, (int) frame.v3);
        }
    }

    /** Reads 1,000 blocks of 4 KiB from the database file. */
    private void dd(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/var/lib/postgresql/base/16384"));
            case 1 -> {
                frame.v0 = task.result;
                frame.v1 = 1000;
            }
            case 2 -> {
                if (frame.v1-- > 0) {
                    frame.pc = 2;
                    task.syscall(sys.read, frame.v0, buffer, 4096);
                }
            }
            case 3 -> task.syscall(sys.close, frame.v0);
            default -> exit(task, 0);
        }
    }

    private void date(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/etc/localtime"));
            case 1 -> task.syscall(sys.close, task.result);
            case 2 -> task.syscall(sys.uname, buffer);
            case 3 -> task.syscall(sys.write, 1, buffer, 30);
            default -> exit(task, 0);
        }
    }

    /** Runs the commands of {@code -c 'a; b'}, one after the other. */
    private void shell(Task task, Frame frame) {
        var invocation = (Program.Invocation) frame.object();
        if (invocation.arguments().size() == 1) {
            applications.interactive(task, frame);
            return;
        }
        switch (frame.next()) {
            case 0 -> task.syscall(sys.rtSigaction, 2, buffer, 0, 8);
            case 1 -> {
                var commands = invocation.argument(2, "").split("[;&]+");
                if (frame.v0 >= commands.length || commands[(int) frame.v0].isBlank()) {
                    frame.pc = 4;
                    return;
                }
                var words = List.of(commands[(int) frame.v0++].strip().split("\\s+"));
                var program = kernel.userSpace.findProgram(words.getFirst());
                if (program.isEmpty()) {
                    frame.v3 = 127;
                    frame.pc = 1;
                    task.syscall(sys.write, 2, buffer, 40);
                    return;
                }
                task.fork(shellChild, new Program.Invocation(program.get(), words));
            }
            case 2 -> task.syscall(sys.wait4, -1, 0, 0, 0);
            case 3 -> {
                frame.v3 = 0;
                frame.pc = 1;
            }
            default -> exit(task, (int) frame.v3);
        }
    }
}
