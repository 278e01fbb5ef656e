package skep.jupyter.protocol;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Messages as ZeroMQ frames.
 *
 * <pre>
 * identity … | &lt;IDS|MSG&gt; | signature | header | parent header | metadata | content | buffer …
 *                                       '--------- signed: HMAC-SHA256, hex ---------'
 * </pre>
 *
 * Not thread-safe.
 */
final class WireFormat {
    /** A message with more frames than this is refused. */
    private static final int MAX_FRAMES = 1024;

    private static final byte[] DELIMITER = "<IDS|MSG>".getBytes(StandardCharsets.US_ASCII);
    private static final int SIGNED_FRAMES = 4;

    private final byte[] key;

    WireFormat(byte[] key) {
        this.key = key.clone();
    }

    List<byte[]> encode(Message message) {
        var signed = List.of(
                Json.write(message.header()),
                Json.write(message.parent()),
                Json.write(message.metadata()),
                Json.write(message.content()));
        var frames = new ArrayList<>(message.identities());
        frames.add(DELIMITER);
        frames.add(signature(signed));
        frames.addAll(signed);
        frames.addAll(message.buffers());
        return frames;
    }

    /** @throws ProtocolException if the frames are no message, or its signature is wrong */
    Message decode(List<byte[]> frames) {
        int delimiter = 0;
        while (delimiter < frames.size() && !Arrays.equals(frames.get(delimiter), DELIMITER)) {
            delimiter++;
        }
        int first = delimiter + 2;
        if (frames.size() < first + SIGNED_FRAMES) {
            throw new ProtocolException("message of " + frames.size() + " frames has no delimiter or too few parts");
        }
        if (frames.size() > MAX_FRAMES) {
            throw new ProtocolException("message has " + frames.size() + " frames; the limit is " + MAX_FRAMES);
        }
        var signed = frames.subList(first, first + SIGNED_FRAMES);
        // isEqual takes the same time wherever the first difference is.
        if (key.length > 0 && !MessageDigest.isEqual(signature(signed), frames.get(delimiter + 1))) {
            throw new ProtocolException("wrong signature");
        }
        return new Message(
                frames.subList(0, delimiter),
                Json.readObject(signed.get(0)),
                Json.readObject(signed.get(1)),
                Json.readObject(signed.get(2)),
                Json.readObject(signed.get(3)),
                frames.subList(first + SIGNED_FRAMES, frames.size()));
    }

    private byte[] signature(List<byte[]> signed) {
        if (key.length == 0) {
            return new byte[0];
        }
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            signed.forEach(mac::update);
            return HexFormat.of().formatHex(mac.doFinal()).getBytes(StandardCharsets.US_ASCII);
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every JDK has HmacSHA256", e);
        }
    }
}
