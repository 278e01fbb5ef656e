package skep.dsl.parse;

import java.util.ArrayList;
import java.util.List;
import skep.source.Diagnostics;
import skep.source.Source;

/**
 * Lays a script out anew: one statement a line, two blanks for each level, one blank line between probes. Tokens, comments
 * and single blank lines are kept, so the result means the same; formatting it again changes nothing.
 */
public final class Formatter {
    /** Lines are broken behind commas and operators to stay within this, where they can be. */
    private static final int WIDTH = 100;

    private static final int INDENT = 2;

    private static final int CONTINUATION = 4;

    private final String text;
    private final Lexer lexer;
    private final FormatMarks marks;
    private final StringBuilder out = new StringBuilder();
    /** The line at hand, without its margin. */
    private final List<Piece> line = new ArrayList<>();

    private int margin;

    /** Whether the line at hand is complete: only a comment, an {@code else} or a closing bracket may still join it. */
    private boolean done;

    private boolean head;
    private int indent;
    private boolean blankAfter;
    private boolean atBlockStart = true;

    /** The last token, and the end of the last token or comment. */
    private Token previous = new Token(Token.Kind.END, 0, 0, "", 0, 0);

    private int lastEnd;

    /** A token or comment on a line. */
    private record Piece(
            String text, boolean spaceBefore, boolean comment, boolean mayBreakAfter, boolean breaksAfter, int depth) {
        Piece broken() {
            return new Piece(text, spaceBefore, comment, mayBreakAfter, true, depth);
        }
    }

    private Formatter(Source source, Diagnostics diagnostics) {
        this.text = source.text();
        this.lexer = new Lexer(source, new Diagnostics());
        this.marks = new FormatMarks(Parser.parse(source, diagnostics), lexer);
    }

    /** The script laid out; only meaningful if no error came into {@code diagnostics}. */
    public static String format(Source source, Diagnostics diagnostics) {
        Parser.parse(source, diagnostics);
        return diagnostics.hasErrors() ? source.text() : new Formatter(source, new Diagnostics()).format();
    }

    private String format() {
        int at = 0;
        if (text.startsWith("#!")) {
            int end = text.indexOf('\n');
            at = end < 0 ? text.length() : end;
            out.append(text.substring(0, at).stripTrailing()).append('\n');
            atBlockStart = false;
            lastEnd = at;
            previous = new Token(Token.Kind.END, 0, at, "", 0, 0);
        }
        int depth = 0;
        while (true) {
            at = comments(at, depth);
            if (at >= text.length()) {
                break;
            }
            var end = marks.verbatim.get(at);
            var token = end == null
                    ? lexer.next(at)
                    : new Token(Token.Kind.UNKNOWN, at, end, text.substring(at, end), 0, 0);
            if (token.end() <= at) {
                break;
            }
            depth += opens(token) ? 1 : 0;
            token(token, depth);
            depth -= closes(token) ? 1 : 0;
            at = token.end();
        }
        flush();
        return out.toString();
    }

    private static boolean opens(Token token) {
        return token.is("(") || token.is("[");
    }

    private static boolean closes(Token token) {
        return token.is(")") || token.is("]");
    }

    // ---- comments

    /** Takes the comments at an offset; returns where the next token starts. */
    private int comments(int from, int depth) {
        int i = from;
        while (i < text.length()) {
            if (Character.isWhitespace(text.charAt(i))) {
                i++;
            } else if (text.charAt(i) == '\\' && i + 1 < text.length() && "\r\n".indexOf(text.charAt(i + 1)) >= 0) {
                i += 2;
            } else if (text.startsWith("//", i) && !marks.verbatim.containsKey(i)) {
                int end = text.indexOf('\n', i);
                end = end < 0 ? text.length() : end;
                comment(i, end, depth);
                i = end;
            } else if (text.startsWith("/*", i)) {
                int end = text.indexOf("*/", i + 2);
                end = end < 0 ? text.length() : end + 2;
                comment(i, end, depth);
                i = end;
            } else {
                break;
            }
        }
        return i;
    }

    private void comment(int start, int end, int depth) {
        var words = text.substring(start, end).stripTrailing();
        boolean trails = !line.isEmpty()
                && !line.getLast().breaksAfter
                && text.substring(lastEnd, start).indexOf('\n') < 0;
        if (!trails && (line.isEmpty() || done)) {
            flush();
            begin(start);
            done = true;
        } else if (!trails) {
            line.add(line.removeLast().broken());
        }
        line.add(new Piece(words, true, true, false, !trails || words.startsWith("//"), depth));
        lastEnd = end;
    }

    // ---- tokens

    private void token(Token token, int depth) {
        if (token.is(";") && (line.isEmpty() || done)) {
            // A second semicolon, or one behind a body.
            lastEnd = token.end();
            itemEnds(token.end());
            return;
        }
        boolean comments = lastEnd != previous.end();
        boolean closing = marks.closing.contains(token.start());
        boolean emptyBody = closing && done && !comments && marks.opening.contains(previous.start());
        boolean joins = emptyBody || token.isName("else") && previous.is("}") && !comments;
        if (closing && !emptyBody || done && !joins) {
            flush();
        }
        done = false;
        indent -= closing ? INDENT : 0;
        boolean space = false;
        if (line.isEmpty()) {
            begin(closing ? -1 : token.start());
            head = marks.heads.containsKey(token.start());
        } else if (!emptyBody) {
            space = comments
                    ? !isOneOf(token, ")", "]", ",", ";") && !line.getLast().breaksAfter
                    : spaceBetween(previous, token);
        }
        boolean breakable = token.is(",") || marks.infix.contains(token.start());
        line.add(new Piece(text.substring(token.start(), token.end()), space, false, breakable, false, depth));
        lastEnd = token.end();
        previous = token;
        if (marks.opening.contains(token.start())) {
            indent += INDENT;
            done = true;
            atBlockStart = true;
        } else if (token.is(";") || marks.ends.contains(token.end()) || marks.c.contains(token.start())) {
            done = true;
        } else if (marks.semicolons.contains(token.end())
                && !lexer.next(token.end()).is(";")) {
            line.add(new Piece(";", false, false, false, false, depth));
            done = true;
        }
        itemEnds(token.end());
    }

    private void itemEnds(int end) {
        var blank = marks.items.get(end);
        if (blank != null) {
            done = !line.isEmpty();
            blankAfter |= blank;
        }
    }

    /** A new line begins with what stands at an offset, or a closing bracket (-1): a blank line before it is kept. */
    private void begin(int start) {
        margin = indent;
        head = false;
        if (start >= 0) {
            var gap = text.substring(Math.min(lastEnd, start), start);
            boolean blank = blankAfter
                    || !atBlockStart && gap.chars().filter(c -> c == '\n').count() > 1;
            if (blank && !out.isEmpty()) {
                out.append('\n');
            }
            blankAfter = false;
        }
        atBlockStart = false;
    }

    // ---- blanks

    private boolean spaceBetween(Token before, Token token) {
        int start = token.start();
        int from = before.start();
        if (marks.slashBefore.contains(start) || marks.slashBehind.contains(from)) {
            return true;
        }
        if (marks.slashBefore.contains(from) || marks.slashBehind.contains(start)) {
            return false;
        }
        if (marks.infix.contains(start) || marks.infix.contains(from)) {
            return true;
        }
        if (marks.inline.contains(start) || marks.opening.contains(start)) {
            return !before.is("(") && !before.is("[");
        }
        if (marks.inline.contains(from)) {
            return before.is("{") || !isOneOf(token, ")", "]", ";", ",");
        }
        if (isOneOf(token, ";", ",", ")", "]") || isOneOf(before, "(", "[")) {
            return false;
        }
        if (before.is("}") || before.is(",") || isAssignment(token) || isAssignment(before)) {
            return true;
        }
        if (isOneOf(token, ":", "?", "?:") || isOneOf(before, ":", "?", "?:")) {
            return true;
        }
        if (isOneOf(token, ".", "->", "..", "[") || isOneOf(before, ".", "->", "..")) {
            return false;
        }
        if (token.is("(")) {
            return before.isName("if")
                    || before.isName("while")
                    || before.isName("for")
                    || before.isName("return")
                    || before.isName("comptime");
        }
        if (token.kind() == Token.Kind.OPERATOR) {
            return operatorNeedsSpace(before, token);
        }
        return isWord(before) || before.kind() == Token.Kind.UNKNOWN;
    }

    private boolean operatorNeedsSpace(Token before, Token token) {
        if (isOneOf(token, "++", "--") && !isKeyword(before)) {
            return merges(before, token);
        }
        if (token.is("!") && before.end() == token.start() && !isKeyword(before)) {
            return false;
        }
        return before.kind() == Token.Kind.NAME || merges(before, token);
    }

    /** Whether two tokens side by side would be read as another one. */
    private static boolean merges(Token before, Token token) {
        return before.kind() == Token.Kind.OPERATOR
                && token.kind() == Token.Kind.OPERATOR
                && Lexer.isOperator(before.text() + token.text().charAt(0));
    }

    private static boolean isKeyword(Token token) {
        return token.kind() == Token.Kind.NAME
                && switch (token.text()) {
                    case "if", "while", "return", "else", "comptime", "unroll", "for" -> true;
                    default -> false;
                };
    }

    private static boolean isWord(Token token) {
        return switch (token.kind()) {
            case NAME, VARIABLE, MAP, INTEGER, STRING, POSITIONAL, PARAM_COUNT -> true;
            case END, OPERATOR, UNKNOWN -> false;
        };
    }

    private static boolean isAssignment(Token token) {
        return token.kind() == Token.Kind.OPERATOR
                && switch (token.text()) {
                    case "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=" -> true;
                    default -> false;
                };
    }

    private static boolean isOneOf(Token token, String... operators) {
        for (var operator : operators) {
            if (token.is(operator)) {
                return true;
            }
        }
        return false;
    }

    // ---- lines

    private void flush() {
        var pieces = new ArrayList<>(line);
        line.clear();
        done = false;
        int at = margin;
        while (!pieces.isEmpty()) {
            int count = fitting(pieces, at);
            out.repeat(' ', at);
            for (int i = 0; i < count; i++) {
                out.append(i > 0 && pieces.get(i).spaceBefore ? " " : "").append(pieces.get(i).text);
            }
            out.append('\n');
            at = margin + (head ? 0 : CONTINUATION);
            pieces.subList(0, count).clear();
        }
    }

    /** How many pieces go on a line: all that fit, or up to the last break at the outermost level. */
    private static int fitting(List<Piece> pieces, int margin) {
        int width = margin;
        int best = 0;
        for (int i = 0; i < pieces.size(); i++) {
            var piece = pieces.get(i);
            width += piece.comment ? 0 : piece.text.length() + (i > 0 && piece.spaceBefore ? 1 : 0);
            if (width > WIDTH && best > 0) {
                return best;
            }
            if (piece.breaksAfter) {
                return i + 1;
            }
            boolean outer = best == 0 || piece.depth <= pieces.get(best - 1).depth;
            if (piece.mayBreakAfter && i + 1 < pieces.size() && outer) {
                best = i + 1;
            }
        }
        return pieces.size();
    }
}
