/**
 * Looking at loaded programs and maps from the command line: {@code skep prog} and {@code skep map}, in the columns that
 * people know from bpftool.
 *
 * <p>Data in: a {@link skep.target.Inventory}, found through {@link skep.target.InventoryProvider}: the live kernel's, or
 * that of a VM into which an object file was loaded. Data out: text or JSON. {@link skep.vm.inspect.InventoryText} is
 * the format, as functions from rows to lines; the commands choose rows and print.
 */
@NullMarked
package skep.vm.inspect;

import org.jspecify.annotations.NullMarked;
