package io.bowstring.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.OutputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a driver's classes are, and which of them are its job's. */
class DriverClassesTest {
    @TempDir
    Path folder;

    /** Finds every file in one place. */
    private static DriverClasses foundIn(String place) {
        return new DriverClasses(new ClassLoader(null) {
            @Override
            public URL getResource(String name) {
                try {
                    return new URL(place + name);
                } catch (MalformedURLException error) {
                    throw new AssertionError(error);
                }
            }
        });
    }

    private Path jar(String name, String classPath) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
        Path jar = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(jar)) {
            new JarOutputStream(out, manifest).close();
        }
        return jar;
    }

    @Test
    void aJarInsideAnotherOneIsNoPlaceForAClassPath() throws IOException {
        Path app = jar("app.jar", "");
        assertEquals(app.toString(), foundIn("jar:" + app.toUri() + "!/").library());
        assertEquals("", foundIn("jar:" + app.toUri() + "!/BOOT-INF/lib/bowstring.jar!/").library());
        assertEquals(folder.toString(), foundIn(folder.toUri().toString()).library());
    }

    @Test
    void anEmptyClassPathOfAManifestAddsNothing() throws IOException {
        DriverClasses classes = foundIn("jar:file:/nowhere.jar!/");
        for (String empty : List.of("", "   ")) {
            Path app = jar("app.jar", empty);
            assertEquals(List.of(app.toString()), classes.program(List.of(app.toString()), true));
        }
        Path other = jar("other.jar", "");
        Path app = jar("app.jar", "  other.jar ");
        assertEquals(List.of(app.toString(), other.toString()), classes.program(List.of(app.toString()), true));
    }
}
