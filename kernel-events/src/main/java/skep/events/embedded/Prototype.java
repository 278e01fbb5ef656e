package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;

/**
 * A C declaration of a function, taken apart: {@code ssize_t vfs_read(struct file *file, char *buf, size_t count)}.
 *
 * @param returns the return type as written
 * @param variadic whether the list ends in {@code ...}; those arguments are not modelled
 */
record Prototype(String returns, String name, List<Parameter> parameters, boolean variadic) {
    Prototype {
        parameters = List.copyOf(parameters);
    }

    /** One parameter; the name is empty if the declaration gives none. */
    record Parameter(String type, String name) {}

    static Prototype parse(String declaration) {
        int open = declaration.indexOf('(');
        int close = declaration.lastIndexOf(')');
        if (open < 0 || close < open) {
            throw new IllegalArgumentException("no function declaration: " + declaration);
        }
        var head = split(declaration.substring(0, open).strip());
        var parameters = new ArrayList<Parameter>();
        boolean variadic = false;
        var inside = declaration.substring(open + 1, close).strip();
        if (!inside.isEmpty() && !inside.equals("void")) {
            for (var part : inside.split(",")) {
                if (part.strip().equals("...")) {
                    variadic = true;
                } else {
                    parameters.add(split(part.strip()));
                }
            }
        }
        return new Prototype(head.type, head.name, parameters, variadic);
    }

    /** Parameters without a function around them: {@code bool preempt, struct task_struct *prev}. */
    static List<Parameter> parameters(String list) {
        return parse("void list(" + list + ")").parameters;
    }

    /** The last word is the name, what is before it the type; stars belong to the type. */
    static Parameter split(String declarator) {
        int start = declarator.length();
        while (start > 0
                && (Character.isLetterOrDigit(declarator.charAt(start - 1))
                        || "_.".indexOf(declarator.charAt(start - 1)) >= 0)) {
            start--;
        }
        var type = declarator.substring(0, start).strip();
        return type.isEmpty()
                ? new Parameter(declarator.strip(), "")
                : new Parameter(type, declarator.substring(start).strip());
    }
}
