package skep.session.bcc;

import skep.c.bcc.CTypeInfo;

/**
 * C types as text that a script evaluates: nested tuples, the first element of which says what it is.
 *
 * <pre>
 * ('i', size, signed, character, name)   integer          ('b',)              _Bool
 * ('f', size)                            floating         ('p',)              pointer
 * ('e', size, signed, ((name, value),))  enum             ('v',)              void
 * ('a', element, count)                  array
 * ('s', tag, size, (member,))            struct; 'u': union
 * member = (name, type, offset, bit offset, bit size)
 * </pre>
 */
final class TypeText {
    private final StringBuilder out = new StringBuilder();

    private TypeText() {}

    static String of(CTypeInfo type) {
        var text = new TypeText();
        text.write(type);
        return text.out.toString();
    }

    private void write(CTypeInfo type) {
        switch (type) {
            case CTypeInfo.IntegerType i ->
                out.append("('i',")
                        .append(i.sizeBytes())
                        .append(',')
                        .append(flag(i.signed()))
                        .append(',')
                        .append(flag(i.character()))
                        .append(',')
                        .append(quoted(i.name()))
                        .append(')');
            case CTypeInfo.BoolType _ -> out.append("('b',)");
            case CTypeInfo.FloatType f ->
                out.append("('f',").append(f.sizeBytes()).append(')');
            case CTypeInfo.PointerType _ -> out.append("('p',)");
            case CTypeInfo.EnumType e -> {
                out.append("('e',")
                        .append(e.sizeBytes())
                        .append(',')
                        .append(flag(e.signed()))
                        .append(",(");
                e.constants()
                        .forEach(c -> out.append('(')
                                .append(quoted(c.name()))
                                .append(',')
                                .append(c.value())
                                .append("),"));
                out.append("))");
            }
            case CTypeInfo.ArrayType a -> {
                out.append("('a',");
                write(a.element());
                out.append(',').append(a.count()).append(')');
            }
            case CTypeInfo.CompositeType c -> composite(c);
            case CTypeInfo.VoidType _ -> out.append("('v',)");
        }
    }

    private void composite(CTypeInfo.CompositeType type) {
        out.append(type.union() ? "('u'," : "('s',")
                .append(quoted(type.tag()))
                .append(',')
                .append(type.sizeBytes())
                .append(",(");
        for (var member : type.members()) {
            out.append('(').append(quoted(member.name())).append(',');
            write(member.type());
            out.append(',')
                    .append(member.offsetBytes())
                    .append(',')
                    .append(member.bitOffset())
                    .append(',')
                    .append(member.bitSize())
                    .append("),");
        }
        out.append("))");
    }

    private static int flag(boolean value) {
        return value ? 1 : 0;
    }

    static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'";
    }
}
