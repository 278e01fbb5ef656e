package skep.c.check;

import java.util.Optional;
import skep.btf.BtfType;

/** Type names that programs use without declaring them, for kernels that publish no types. */
public final class KnownTypes {
    private KnownTypes() {}

    public static boolean isKnown(String name) {
        return of(name).isPresent();
    }

    static Optional<BtfType> of(String name) {
        return switch (name) {
            case "u8", "__u8", "uint8_t", "u_int8_t", "uchar" -> unsigned(name, 1);
            case "u16", "__u16", "uint16_t", "u_int16_t", "__be16", "__le16", "__sum16", "ushort" -> unsigned(name, 2);
            case "u32",
                    "__u32",
                    "uint32_t",
                    "u_int32_t",
                    "__be32",
                    "__le32",
                    "__wsum",
                    "uint",
                    "uid_t",
                    "gid_t",
                    "dev_t",
                    "fmode_t",
                    "gfp_t" -> unsigned(name, 4);
            case "u64",
                    "__u64",
                    "uint64_t",
                    "u_int64_t",
                    "__be64",
                    "__le64",
                    "size_t",
                    "uintptr_t",
                    "ulong",
                    "sector_t",
                    "ino_t" -> unsigned(name, 8);
            case "s8", "__s8", "int8_t" -> signed(name, 1);
            case "s16", "__s16", "int16_t" -> signed(name, 2);
            case "s32", "__s32", "int32_t", "pid_t", "clockid_t" -> signed(name, 4);
            case "s64",
                    "__s64",
                    "int64_t",
                    "ssize_t",
                    "loff_t",
                    "off_t",
                    "intptr_t",
                    "ptrdiff_t",
                    "time64_t",
                    "ktime_t" -> signed(name, 8);
            case "bool" -> Optional.of(new BtfType.Int(name, 1, 8, 0, BtfType.Int.Encoding.BOOL));
            default -> Optional.empty();
        };
    }

    private static Optional<BtfType> unsigned(String name, int size) {
        return Optional.of(BtfType.Int.unsigned(name, size));
    }

    private static Optional<BtfType> signed(String name, int size) {
        return Optional.of(BtfType.Int.signed(name, size));
    }
}
