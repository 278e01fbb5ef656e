package skep.c.bcc;

import skep.source.Span;

/**
 * A function that can be attached.
 *
 * @param name as the loader calls it: {@code kprobe__vfs_read}, {@code tracepoint__sched__sched_switch}
 * @param result size of what it returns in bytes; 0 for {@code void}
 */
public record BccFunction(String name, AttachHint hint, int parameters, int result, Span span) {}
