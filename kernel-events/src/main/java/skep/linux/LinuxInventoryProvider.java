package skep.linux;

import skep.linux.sys.LocalSyscalls;
import skep.target.Inventory;
import skep.target.InventoryProvider;
import skep.target.TargetException;

/** The inventory of the live kernel, for {@code skep prog} and {@code skep map}. */
public final class LinuxInventoryProvider implements InventoryProvider {
    @Override
    public String scheme() {
        return "linux";
    }

    @Override
    public Inventory open(String operand) {
        var host = Host.of(LocalSyscalls.instance());
        if (LinuxTargetProvider.missing(host) != 0) {
            throw new TargetException("listing what is loaded needs CAP_SYS_ADMIN: run as root");
        }
        return new LinuxInventory(host);
    }
}
