package skep.session;

/** Internet addresses as text: dotted IPv4, IPv6 with the longest run of zeros shortened (RFC 5952). */
final class Inet {
    private static final int FAMILY_IPV4 = 2;
    private static final int FAMILY_IPV6 = 10;

    private Inet() {}

    static String text(int family, byte[] bytes, int offset) {
        return switch (family) {
            case FAMILY_IPV4 -> ipv4(bytes, offset);
            case FAMILY_IPV6 -> ipv6(bytes, offset);
            default -> "";
        };
    }

    private static String ipv4(byte[] bytes, int offset) {
        var out = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            out.append(i == 0 ? "" : ".").append(bytes[offset + i] & 0xff);
        }
        return out.toString();
    }

    private static String ipv6(byte[] bytes, int offset) {
        var groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (bytes[offset + 2 * i] & 0xff) << 8 | bytes[offset + 2 * i + 1] & 0xff;
        }
        // ::ffff:a.b.c.d carries an IPv4 address.
        if (zeros(groups, 0) == 5 && groups[5] == 0xffff) {
            return "::ffff:" + ipv4(bytes, offset + 12);
        }
        int run = 0;
        int runLength = 1;
        for (int i = 0; i < 8; i++) {
            if (zeros(groups, i) > runLength) {
                run = i;
                runLength = zeros(groups, i);
            }
        }
        var out = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (runLength > 1 && i == run) {
                out.append("::");
                i += runLength - 1;
            } else {
                if (!out.isEmpty() && out.charAt(out.length() - 1) != ':') {
                    out.append(':');
                }
                out.append(Integer.toHexString(groups[i]));
            }
        }
        return out.toString();
    }

    private static int zeros(int[] groups, int from) {
        int count = 0;
        while (from + count < groups.length && groups[from + count] == 0) {
            count++;
        }
        return count;
    }
}
