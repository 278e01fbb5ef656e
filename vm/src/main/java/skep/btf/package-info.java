/**
 * BTF, the BPF Type Format: parsing, writing, look-up and layout of types. Start at {@link skep.btf.Btf}.
 */
@NullMarked
package skep.btf;

import org.jspecify.annotations.NullMarked;
