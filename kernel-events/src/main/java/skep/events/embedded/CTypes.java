package skep.events.embedded;

/** Sizes and signedness of the C types that declarations in this package use, on 64-bit Linux. */
final class CTypes {
    private CTypes() {}

    static int sizeBytes(String type) {
        if (type.endsWith("*")) {
            return 8;
        }
        return switch (type.replace("const ", "")) {
            case "bool", "char", "signed char", "unsigned char", "u8", "s8", "__u8", "__s8" -> 1;
            case "short", "unsigned short", "u16", "s16", "__u16", "__be16", "umode_t" -> 2;
            case "int",
                    "unsigned int",
                    "unsigned",
                    "u32",
                    "s32",
                    "__u32",
                    "__be32",
                    "pid_t",
                    "uid_t",
                    "gid_t",
                    "dev_t",
                    "gfp_t",
                    "clockid_t",
                    "key_t",
                    "mode_t" -> 4;
            case "long",
                    "unsigned long",
                    "long long",
                    "unsigned long long",
                    "u64",
                    "s64",
                    "__u64",
                    "size_t",
                    "ssize_t",
                    "loff_t",
                    "off_t",
                    "sector_t",
                    "ino_t",
                    "pgoff_t",
                    "ktime_t",
                    "aio_context_t" -> 8;
            default -> {
                if (type.startsWith("enum ")) {
                    yield 4;
                }
                throw new IllegalArgumentException("no size known for " + type);
            }
        };
    }

    static boolean knows(String type) {
        try {
            return sizeBytes(type) > 0;
        } catch (IllegalArgumentException unknown) {
            return false;
        }
    }

    static boolean signed(String type) {
        return switch (type.replace("const ", "")) {
            case "signed char", "s8", "short", "s16", "int", "s32", "pid_t", "clockid_t", "key_t" -> true;
            case "long", "long long", "s64", "ssize_t", "loff_t", "off_t", "ktime_t" -> true;
            default -> false;
        };
    }
}
