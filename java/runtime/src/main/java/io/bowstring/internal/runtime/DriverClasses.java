package io.bowstring.internal.runtime;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The classes of a driver, of two kinds. Its library, with what that is built on, is what the JVMs of its runtime are
 * started with: the very jars that the driver runs, so that the two are of one version. All else belongs to the driver's
 * job, and a worker finds it through the job's class loader.
 *
 * <p>The library's places are found by a file of each, which loads no class: Arrow's are not to be loaded before they are
 * guarded. What is not there is left out; a program without tables has no Arrow.
 */
final class DriverClasses {
    private static final String BUNDLE = "bowstring-all.jar";

    /** Of the library, each in a jar or folder of its own; a job's class loader has them from the library alone. */
    private static final List<String> OWN = List.of(
            "io/bowstring/Bowstring.class",
            "io/bowstring/internal/runtime/Driver.class",
            "io/bowstring/internal/arrow/ArrowTables.class",
            "org/apache/arrow/vector/VectorSchemaRoot.class",
            "org/apache/arrow/memory/BufferAllocator.class",
            "org/apache/arrow/memory/unsafe/UnsafeAllocationManager.class",
            "org/apache/arrow/flatbuf/Schema.class");

    /** What the library needs besides; a job may have others. */
    private static final List<String> NEEDED = List.of(
            "org/slf4j/Logger.class",
            "com/google/flatbuffers/FlatBufferBuilder.class",
            "com/fasterxml/jackson/annotation/JsonProperty.class",
            "com/fasterxml/jackson/core/JsonFactory.class",
            "com/fasterxml/jackson/databind/ObjectMapper.class",
            "com/fasterxml/jackson/datatype/jsr310/JavaTimeModule.class",
            "org/apache/commons/codec/binary/Hex.class");

    private final Map<Path, Integer> places = new LinkedHashMap<>(); // and how many of the library's files each has
    private final boolean isWhole;

    DriverClasses(ClassLoader loader) {
        OWN.forEach(each -> add(place(loader.getResource(each), each), 1));
        // A program of modules that has no table and logs by something else resolves no SLF4J, which workers bind.
        isWhole = List.of(OWN.get(0), OWN.get(1), NEEDED.get(0)).stream()
                .allMatch(each -> place(loader.getResource(each), each) != null);
        NEEDED.forEach(each -> add(place(loader.getResource(each), each), OWN.size()));
    }

    private void add(@Nullable Path place, int weight) {
        if (place != null) {
            places.merge(place, weight, Integer::sum);
        }
    }

    /**
     * The library as a class path; empty if not all that a worker needs is in files, as in an image of jlink's, a jar inside
     * another one, or modules without SLF4J. The node then has another.
     */
    String library() {
        return isWhole ? places.keySet().stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)) : "";
    }

    /**
     * The program's entries for its job: absolute, with those that their manifests name, and without the library's.
     *
     * @param entries the program's class path
     * @param isLaunching the runtime's JVMs are started with {@link #library}, else with one that the node has
     */
    List<String> program(List<String> entries, boolean isLaunching) {
        Set<Path> all = new LinkedHashSet<>();
        entries.forEach(entry -> expand(Path.of(entry).toAbsolutePath().normalize(), all));
        return all.stream()
                .filter(each -> !isLibrarys(each, isLaunching))
                .map(Path::toString)
                .toList();
    }

    /** Whether a place has the library and nothing else; a jar into which all of a program is merged is the program's. */
    private boolean isLibrarys(Path place, boolean isLaunching) {
        Integer files = places.get(place);
        return files != null && (place.endsWith(BUNDLE) || isLaunching && isWhole && files == 1);
    }

    /** Adds an entry, and behind it what the {@code Class-Path} of its manifest names, as a JVM does. */
    private static void expand(Path entry, Set<Path> all) {
        Deque<Path> next = new ArrayDeque<>(List.of(entry));
        while (!next.isEmpty()) {
            Path each = next.pop();
            if (all.add(each)) {
                List<Path> named = named(each);
                for (int i = named.size() - 1; i >= 0; i--) {
                    next.push(named.get(i));
                }
            }
        }
    }

    private static List<Path> named(Path jar) {
        if (!Files.isRegularFile(jar)) {
            return List.of();
        }
        try (JarFile file = new JarFile(jar.toFile(), false)) {
            Manifest manifest = file.getManifest();
            String named = manifest == null ? null : manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
            return named == null ? List.of() : Arrays.stream(named.split("\\s+"))
                    .filter(each -> !each.isEmpty()) // which would be the jar's folder
                    .map(each -> resolved(jar, each))
                    .filter(Objects::nonNull)
                    .toList();
        } catch (IOException unreadable) {
            return List.of(); // the node says so, if that matters
        }
    }

    private static @Nullable Path resolved(Path jar, String named) {
        try {
            URI place = jar.toUri().resolve(new URI(named));
            return "file".equals(place.getScheme()) ? Path.of(place).normalize() : null;
        } catch (URISyntaxException | IllegalArgumentException elsewhere) {
            return null;
        }
    }

    /** The jar or folder in which a file of a class path was found; null: it was not, or is not in a file system. */
    private static @Nullable Path place(@Nullable URL found, String name) {
        if (found == null) {
            return null;
        }
        try {
            String where = found.toString();
            String place;
            if (where.startsWith("jar:file:") && where.endsWith("!/" + name)) {
                place = where.substring(4, where.length() - name.length() - 2);
            } else if (where.startsWith("file:") && where.endsWith("/" + name)) {
                place = where.substring(0, where.length() - name.length());
            } else {
                return null;
            }
            Path path = Path.of(new URL(place).toURI()).normalize();
            return Files.exists(path) ? path : null; // there is none of a jar inside another one
        } catch (MalformedURLException | URISyntaxException | IllegalArgumentException elsewhere) {
            return null;
        }
    }
}
