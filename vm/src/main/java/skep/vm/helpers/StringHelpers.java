package skep.vm.helpers;

import java.nio.charset.StandardCharsets;
import skep.isa.kernel.Errno;
import skep.vm.HelperFunction;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.SeqFile;
import skep.vm.VmCpu;
import skep.vm.helpers.PrintFormat.BadFormat;

/** Strings: comparison, numbers, formats. */
final class StringHelpers {
    private static final int MAX_PRINTK_ARGUMENTS = 3;
    private static final int MAX_ARGUMENT_BYTES = 12 * 8;
    private static final int MAX_PRINTK_BYTES = 1024;

    private StringHelpers() {}

    /** {@code long bpf_strncmp(s1, s1_size, s2)}: -1, 0 or 1. */
    static long compare(VmCpu cpu, long s1, long size, long s2, long d, long e) {
        for (int i = 0; i < (int) size; i++) {
            int left = Memory.getByte(s1 + i) & 0xff;
            int right = Memory.getByte(s2 + i) & 0xff;
            if (left != right) {
                return left < right ? -1 : 1;
            }
            if (left == 0) {
                return 0;
            }
        }
        return 0;
    }

    /** {@code long bpf_strtol(buffer, length, flags, result)}: characters consumed. */
    static long toLong(VmCpu cpu, long buffer, long length, long flags, long result, long e) {
        return parse(buffer, length, flags, result, true);
    }

    static long toUnsigned(VmCpu cpu, long buffer, long length, long flags, long result, long e) {
        return parse(buffer, length, flags, result, false);
    }

    private static long parse(long buffer, long length, long flags, long result, boolean signed) {
        int base = (int) (flags & 31);
        if (length <= 0 || (flags & ~31L) != 0 || base != 0 && base != 8 && base != 10 && base != 16) {
            return Errno.EINVAL.negated();
        }
        var text = new String(Memory.bytes(buffer, (int) Math.min(length, 64)), StandardCharsets.ISO_8859_1);
        int at = 0;
        while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) >= 9 && text.charAt(at) <= 13)) {
            at++;
        }
        boolean negative = at < text.length() && text.charAt(at) == '-';
        if (negative) {
            if (!signed) {
                return Errno.EINVAL.negated();
            }
            at++;
        }
        if ((base == 0 || base == 16) && text.regionMatches(true, at, "0x", 0, 2)) {
            base = 16;
            at += 2;
        } else if (base == 0) {
            base = at < text.length() && text.charAt(at) == '0' ? 8 : 10;
        }
        int from = at;
        while (at < text.length() && Character.digit(text.charAt(at), base) >= 0) {
            at++;
        }
        if (at == from) {
            return Errno.EINVAL.negated();
        }
        try {
            var digits = text.substring(from, at);
            Memory.putLong(
                    result,
                    signed
                            ? Long.parseLong((negative ? "-" : "") + digits, base)
                            : Long.parseUnsignedLong(digits, base));
            return at;
        } catch (NumberFormatException tooLarge) {
            return Errno.ERANGE.negated();
        }
    }

    /** {@code long bpf_trace_printk(format, size, a, b, c)}: the length of the line. */
    static long tracePrintk(VmCpu cpu, long format, long size, long first, long second, long third) {
        return print(
                cpu,
                format,
                size,
                i -> i == 0 ? first : i == 1 ? second : third,
                MAX_PRINTK_ARGUMENTS,
                (bytes) -> bytes.length);
    }

    /** {@code long bpf_trace_vprintk(format, size, data, dataSize)}. */
    static long traceVprintk(VmCpu cpu, long format, long size, long data, long dataSize, long e) {
        if (badData(dataSize)) {
            return Errno.EINVAL.negated();
        }
        return print(cpu, format, size, i -> Memory.getLong(data + 8L * i), (int) (dataSize / 8), b -> b.length);
    }

    private interface Result {
        long of(byte[] text);
    }

    private static long print(
            VmCpu cpu, long format, long size, PrintFormat.Arguments arguments, int count, Result result) {
        try {
            var text = PrintFormat.format(cpu, PrintFormat.formatAt(format, size & 0xffff_ffffL), arguments, count);
            int length = Math.min(text.length, MAX_PRINTK_BYTES - 1);
            cpu.services().tracePrintk(new String(text, 0, length, StandardCharsets.UTF_8));
            return result.of(text);
        } catch (BadFormat _) {
            return PrintFormat.refused();
        }
    }

    /** {@code long bpf_snprintf(buffer, size, format, data, dataSize)}: the length that all would take, with the NUL. */
    static long snprintf(VmCpu cpu, long buffer, long size, long format, long data, long dataSize) {
        if (badData(dataSize)) {
            return Errno.EINVAL.negated();
        }
        try {
            var text = PrintFormat.format(
                    cpu, PrintFormat.formatAt(format, Integer.MAX_VALUE), i -> Memory.getLong(data + 8L * i), (int)
                            (dataSize / 8));
            long room = size & 0xffff_ffffL;
            if (room > 0) {
                int kept = (int) Math.min(text.length, room - 1);
                Memory.copy(text, 0, buffer, kept);
                Memory.putByte(buffer + kept, (byte) 0);
            }
            return text.length + 1L;
        } catch (BadFormat _) {
            return PrintFormat.refused();
        }
    }

    private static boolean badData(long dataSize) {
        return dataSize < 0 || dataSize > MAX_ARGUMENT_BYTES || dataSize % 8 != 0;
    }

    /** {@code long bpf_seq_printf(seq, format, size, data, dataSize)}. */
    static long seqPrintf(VmCpu cpu, long seq, long format, long size, long data, long dataSize) {
        if (badData(dataSize)) {
            return Errno.EINVAL.negated();
        }
        try {
            var text = PrintFormat.format(
                    cpu, PrintFormat.formatAt(format, size & 0xffff_ffffL), i -> Memory.getLong(data + 8L * i), (int)
                            (dataSize / 8));
            return SeqFile.write(cpu, seq, text);
        } catch (BadFormat _) {
            return PrintFormat.refused();
        }
    }

    /** {@code long bpf_seq_write(seq, data, size)}. */
    static long seqWrite(VmCpu cpu, long seq, long data, long size, long d, long e) {
        return SeqFile.write(cpu, seq, Memory.bytes(data, (int) size));
    }

    /** {@code long bpf_kallsyms_lookup_name(name, size, flags, result)}. */
    static HelperFunction symbolAddress(Machine machine) {
        return (_, name, size, flags, result, _) -> {
            Memory.putLong(result, 0);
            if (flags != 0 || size <= 1 || Memory.getByte(name + size - 1) != 0) {
                return Errno.EINVAL.negated();
            }
            var text = new String(PrintFormat.formatAt(name, size), StandardCharsets.UTF_8);
            var address = machine.kernel().flatMap(k -> k.symbolAddress(text));
            if (address.isEmpty()) {
                return Errno.ENOENT.negated();
            }
            Memory.putLong(result, address.get());
            return 0;
        };
    }
}
