package io.bowstring.internal.call;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where the classes of this program are: the class path and the module path that the JVM was started with, or the places of
 * the class loader that a tool has made for the program, as Maven's {@code exec:java} does.
 */
public final class ProgramClassPath {
    private ProgramClassPath() {}

    /** Absolute paths of jars and folders, first first. */
    public static List<String> entries() {
        Set<Path> found = new LinkedHashSet<>();
        List<Path> made = new ArrayList<>();
        boolean isJvms = addPlaces(Thread.currentThread().getContextClassLoader(), made)
                | addPlaces(ProgramClassPath.class.getClassLoader(), made);
        if (isJvms) { // else the JVM's own class path is that of the tool
            found.addAll(entries("java.class.path"));
            entries("jdk.module.path").forEach(each -> found.addAll(modules(each)));
        }
        found.addAll(made);
        return found.stream().map(each -> each.toAbsolutePath().toString()).distinct().toList();
    }

    /** Adds the places of a class loader and of those above it; true: one of them is the JVM's own. */
    private static boolean addPlaces(@Nullable ClassLoader first, List<Path> places) {
        for (ClassLoader each = first; each != null; each = each.getParent()) {
            if (each == ClassLoader.getSystemClassLoader()) {
                return true;
            }
            if (each instanceof URLClassLoader loader) {
                for (URL place : loader.getURLs()) {
                    Path path = path(place);
                    if (path != null) {
                        places.add(path);
                    }
                }
            }
        }
        return first == null;
    }

    private static @Nullable Path path(URL place) {
        try {
            return place.getProtocol().equals("file") ? Path.of(new URI(place.toString())) : null;
        } catch (URISyntaxException | IllegalArgumentException elsewhere) {
            return null;
        }
    }

    private static List<Path> entries(String property) {
        return Arrays.stream(System.getProperty(property, "").split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty())
                .map(Path::of)
                .toList();
    }

    /** An entry of the module path may be a folder of modules, which is no place of classes itself. */
    private static List<Path> modules(Path entry) {
        if (!Files.isDirectory(entry) || Files.exists(entry.resolve("module-info.class"))) {
            return List.of(entry);
        }
        try (Stream<Path> inside = Files.list(entry)) {
            return inside.filter(each -> each.toString().endsWith(".jar") || Files.isDirectory(each))
                    .sorted()
                    .toList();
        } catch (IOException unreadable) {
            return List.of();
        }
    }
}
