/**
 * Programs in BCC's C on a target: compiled at once, their tables made, each function loaded when it is first attached
 * and for the way it is attached, since that decides its program type.
 *
 * <p>{@link skep.session.bcc.BccHost} stands for one target; it opens a {@link skep.session.bcc.BccSession} for each
 * program text. Everything a veneer in another language passes or gets is text, a number or bytes: types travel as
 * {@link skep.session.bcc.TypeText}, records as the fields that a {@link skep.session.bcc.RecordDecoder} takes out of
 * them. What a kernel lacks is replaced where another mechanism means the same ({@link skep.session.bcc.KernelProbes}:
 * a system call's kprobe by the raw tracepoint, others by fentry), and the host's listener is told once.
 *
 * <p>Start reading at {@code BccSession}.
 */
@NullMarked
package skep.session.bcc;

import org.jspecify.annotations.NullMarked;
