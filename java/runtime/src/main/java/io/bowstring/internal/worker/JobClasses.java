package io.bowstring.internal.worker;

import java.net.URL;
import java.net.URLClassLoader;

/**
 * The classes of one job. What the runtime has comes from the runtime, so that both mean the same classes by the same
 * names; but a job that brings SLF4J with a binding has its own, because a binding fits only the SLF4J that loads it.
 */
final class JobClasses extends URLClassLoader {
    static {
        registerAsParallelCapable();
    }

    private final boolean logsByItself;

    JobClasses(String name, URL[] places, ClassLoader runtime) {
        super(name, places, runtime);
        logsByItself = findResource("org/slf4j/LoggerFactory.class") != null
                && (findResource("META-INF/services/org.slf4j.spi.SLF4JServiceProvider") != null
                        || findResource("org/slf4j/impl/StaticLoggerBinder.class") != null);
    }

    /** Whether the job has SLF4J and a binding of it. */
    boolean logsByItself() {
        return logsByItself;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!logsByItself || !name.startsWith("org.slf4j.")) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> found = findLoadedClass(name);
            return found != null ? found : findClass(name);
        }
    }
}
