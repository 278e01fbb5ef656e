package skep.truffle.lang;

import com.oracle.truffle.api.TruffleFile;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Files that end with {@code .bt} or {@code .skep} are scripts of the tracing language. */
@SuppressWarnings("NullAway") // the interface wants null for no
public final class ScriptFiles implements TruffleFile.FileTypeDetector {
    @Override
    public @Nullable String findMimeType(TruffleFile file) {
        var name = file.getName();
        return name != null && (name.endsWith(".bt") || name.endsWith(".skep")) ? SkepLanguage.MIME_TYPE : null;
    }

    @Override
    public Charset findEncoding(TruffleFile file) {
        return StandardCharsets.UTF_8;
    }
}
