/**
 * BTF, the BPF Type Format: the types of a kernel, of its modules and of programs.
 *
 * <p>Data in: the bytes of {@code /sys/kernel/btf/vmlinux} or of an ELF section {@code .BTF}. Data out:
 * {@link skep.btf.BtfType} records by id or by name, layouts (sizes, members by path, bit-fields) and C names. A
 * kernel's BTF has about 150,000 types, of which a script needs a handful: {@link skep.btf.Btf#parse} only finds where
 * each type starts, look-ups by name scan, and a record is made when asked for.
 *
 * <p>{@link skep.btf.BtfBuilder} goes the other way, from records to bytes; {@link skep.btf.BtfExt} reads and writes
 * what accompanies a program's types: function and line information and CO-RE relocations.
 *
 * <p>Layouts and numbers are from Linux 6.18, {@code include/uapi/linux/btf.h} and
 * {@code Documentation/bpf/btf.rst}. Start at {@link skep.btf.Btf}.
 */
@NullMarked
package skep.btf;

import org.jspecify.annotations.NullMarked;
