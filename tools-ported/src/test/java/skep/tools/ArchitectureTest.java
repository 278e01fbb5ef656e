package skep.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.CodeAttribute;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The edges and fences of {@code docs/architecture.md}. */
class ArchitectureTest {
    /** HotSpot compiles no method above this many bytes of bytecode. */
    private static final int HOTSPOT_METHOD_BYTES = 8_000;

    private static final Set<String> FACTS = Set.of("isa", "btf", "elf", "target");

    /** Room → the rooms it may use. A room is a package below {@code skep}; the longest name that fits counts. */
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            Map.entry("isa", Set.of("btf")),
            Map.entry("btf", Set.of("isa")),
            Map.entry("elf", Set.of("isa", "btf")),
            Map.entry("target", Set.of("isa", "btf")),
            Map.entry("vm.verifier", Set.of("isa", "btf", "target")),
            Map.entry("vm", Set.of("isa", "btf", "elf", "target", "vm.verifier")),
            Map.entry("source", Set.of("isa", "btf")),
            Map.entry("ir", Set.of("source", "isa", "btf")),
            Map.entry("c", Set.of("source", "ir", "isa", "btf")),
            Map.entry("dsl", Set.of("source", "ir", "c", "isa", "btf")),
            Map.entry("arm64", Set.of("isa", "btf", "target", "vm", "vm.verifier")),
            Map.entry("events", Set.of("isa", "btf", "elf", "target", "vm", "vm.verifier")),
            Map.entry("linux", Set.of("isa", "btf", "elf", "target")),
            Map.entry("session", Set.of("dsl", "c", "source", "ir", "isa", "btf", "elf", "target")),
            Map.entry("truffle", Set.of("session", "source", "isa", "btf", "target", "vm", "vm.verifier")),
            Map.entry("bindings", Set.of("session", "truffle", "target", "isa")),
            Map.entry("jupyter", Set.of("session", "bindings", "target")),
            Map.entry("cli", Set.of("session", "target")),
            Map.entry("tools", Set.of("*")),
            Map.entry("bench", Set.of("*")));

    private static JavaClasses classes;

    @BeforeAll
    static void readClasses() {
        classes = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("skep");
        assertTrue(classes.size() > 100, "class path without Skep: " + classes.size() + " classes");
    }

    @Test
    void everyClassLivesInAKnownRoom() {
        var unknown = new TreeSet<String>();
        for (var type : classes) {
            if (room(type) == null) {
                unknown.add(type.getName());
            }
        }
        assertEquals(Set.of(), unknown);
    }

    @Test
    void roomsUseOnlyTheRoomsTheyMay() {
        var wrong = new TreeSet<String>();
        for (var type : classes) {
            var from = room(type);
            var allowed = from == null ? Set.<String>of() : MAY_USE.get(from);
            for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                var target = dependency.getTargetClass().getBaseComponentType();
                var to = room(target);
                if (to != null && !to.equals(from) && !allowed.contains(to) && !allowed.contains("*")) {
                    wrong.add(from + " -> " + to + ": " + type.getName() + " uses " + target.getName());
                }
            }
        }
        assertEquals(Set.of(), wrong);
    }

    @Test
    void factsDoNotKnowTheMachine() {
        for (var fact : FACTS) {
            assertFalse(MAY_USE.get(fact).contains("vm"), fact);
        }
    }

    @Test
    void foreignFunctionsAreCalledBehindTheFences() {
        assertOnlyUsedIn(
                List.of("java.lang.foreign.Linker", "java.lang.foreign.SymbolLookup"),
                List.of("skep.linux.sys", "skep.arm64.exec"));
    }

    @Test
    void rawMemoryIsReachedBehindTheFences() {
        var wrong = new TreeSet<String>();
        for (var type : classes) {
            for (var call : type.getMethodCallsFromSelf()) {
                boolean reinterprets = call.getTargetOwner().getName().equals("java.lang.foreign.MemorySegment")
                        && call.getName().equals("reinterpret");
                if (reinterprets && !isIn(type, "skep.linux.sys", "skep.arm64.exec", "skep.vm.Memory")) {
                    wrong.add(type.getName());
                }
            }
        }
        assertEquals(Set.of(), wrong);
    }

    @Test
    void truffleIsKnownInOneModuleOnly() {
        var wrong = new TreeSet<String>();
        for (var type : classes) {
            for (var dependency : type.getDirectDependenciesFromSelf()) {
                if (dependency.getTargetClass().getPackageName().startsWith("com.oracle.truffle")
                        && !isIn(type, "skep.truffle")) {
                    wrong.add(type.getName());
                }
            }
        }
        assertEquals(Set.of(), wrong);
    }

    @Test
    void librariesDoNotPrint() {
        var wrong = new TreeSet<String>();
        for (var type : classes) {
            for (var access : type.getFieldAccessesFromSelf()) {
                boolean prints = access.getTargetOwner().getName().equals("java.lang.System")
                        && Set.of("out", "err").contains(access.getName());
                // Snippets only sends elsewhere what the user's Java prints.
                boolean mayPrint = isIn(
                        type, "skep.cli", "skep.jupyter", "skep.tools", "skep.bench", "skep.bindings.java.Snippets");
                if (prints && !mayPrint) {
                    wrong.add(type.getName());
                }
            }
        }
        assertEquals(Set.of(), wrong);
    }

    /** A class initialiser runs once; everything else must be small enough to be compiled. */
    @Test
    void everyMethodIsSmallEnoughForHotSpot() throws IOException {
        var tooBig = new ArrayList<String>();
        for (var type : classes) {
            var resource = "/" + type.getName().replace('.', '/') + ".class";
            try (InputStream in = ArchitectureTest.class.getResourceAsStream(resource)) {
                if (in == null) {
                    continue;
                }
                for (var method : ClassFile.of().parse(in.readAllBytes()).methods()) {
                    int bytes = method.code()
                            .map(code -> ((CodeAttribute) code).codeLength())
                            .orElse(0);
                    if (bytes > HOTSPOT_METHOD_BYTES
                            && !method.methodName().stringValue().equals("<clinit>")) {
                        tooBig.add(type.getName() + "." + method.methodName().stringValue() + ": " + bytes);
                    }
                }
            }
        }
        assertEquals(List.of(), tooBig);
    }

    private static void assertOnlyUsedIn(List<String> types, List<String> homes) {
        var wrong = new TreeSet<String>();
        for (var type : classes) {
            for (var dependency : type.getDirectDependenciesFromSelf()) {
                if (types.contains(dependency.getTargetClass().getName())
                        && !isIn(type, homes.toArray(String[]::new))) {
                    wrong.add(type.getName() + " uses "
                            + dependency.getTargetClass().getName());
                }
            }
        }
        assertEquals(Set.of(), wrong);
    }

    private static boolean isIn(JavaClass type, String... homes) {
        for (var home : homes) {
            var name = type.getName();
            if (name.equals(home) || name.startsWith(home + ".") || name.startsWith(home + "$")) {
                return true;
            }
        }
        return false;
    }

    private static String room(JavaClass type) {
        var name = type.getPackageName();
        if (!name.startsWith("skep.")) {
            return null;
        }
        var below = name.substring("skep.".length());
        return MAY_USE.keySet().stream()
                .filter(room -> below.equals(room) || below.startsWith(room + "."))
                .max(Comparator.comparingInt(String::length))
                .orElse(null);
    }
}
