package skep.c.parse;

/** Which names are types although no {@code typedef} of the source says so: those of the kernel, for example. */
@FunctionalInterface
public interface TypeNames {
    TypeNames NONE = name -> false;

    boolean isTypeName(String name);
}
