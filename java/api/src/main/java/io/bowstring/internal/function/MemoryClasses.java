package io.bowstring.internal.function;

import io.bowstring.errors.InvalidArgumentException;
import java.net.URL;
import org.jspecify.annotations.Nullable;

/** Classes that no worker can find, because the JDK's tools have compiled them into the memory of this JVM. */
final class MemoryClasses {
    private static final String LAUNCHER = "com.sun.tools.javac.launcher."; // java Foo.java
    private static final String JSHELL = "jdk.jshell.";

    private MemoryClasses() {}

    /**
     * Refuses a class that is in memory alone.
     *
     * @throws InvalidArgumentException if it is
     */
    static void refuse(String className, @Nullable ClassLoader referrer) {
        Class<?> type;
        try {
            type = Class.forName(className, false, referrer);
        } catch (ClassNotFoundException | LinkageError unseen) {
            return; // the worker will say so
        }
        ClassLoader loader = type.getClassLoader();
        String kind = loader == null ? "" : loader.getClass().getName();
        if (loader == null || !kind.startsWith(LAUNCHER) && !kind.startsWith(JSHELL)) {
            return;
        }
        URL file = loader.getResource(className.replace('.', '/') + ".class");
        if (file == null || !file.getProtocol().equals("file") && !file.getProtocol().equals("jar")) {
            throw new InvalidArgumentException("the class " + className + " is in this JVM's memory alone, as all that"
                    + " `java Some.java` and jshell compile, and workers can't find it; compile it into a folder"
                    + " (`javac -d classes`) or a jar, and start the program with that on its class path");
        }
    }
}
