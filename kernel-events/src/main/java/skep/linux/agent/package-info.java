/**
 * The agent: a static program of a few hundred bytes that makes system calls for Skep on another machine, and the end of
 * its stream here.
 *
 * <p>{@link skep.linux.agent.AgentImage} assembles the program for x86-64 and ARM64; it needs nothing of the machine but
 * its kernel. {@link skep.linux.agent.RemoteSyscalls} speaks with it over any byte stream and is, to the rest of the live
 * target, one more {@link skep.linux.sys.Syscalls}. The agent ends with its stream, and the kernel then closes all that it
 * opened.
 *
 * <pre>
 *  agent first sends    magic "SKEP" 4 | ELF machine number 4
 *  request              operation 8 | arguments 6 * 8          little-endian
 *    operation >= 0     a system call; answer: result 8
 *    READ   -1          address, length; answer: the bytes
 *    WRITE  -2          address, length; the bytes follow; no answer
 *    SPAWN  -3          path, argv, envp, gate; answer: pid 8
 * </pre>
 *
 * <p>Start reading at {@link skep.linux.agent.RemoteSyscalls}.
 */
@NullMarked
package skep.linux.agent;

import org.jspecify.annotations.NullMarked;
