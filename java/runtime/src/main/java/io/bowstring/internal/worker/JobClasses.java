package io.bowstring.internal.worker;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The classes of one job, which come first: a job has the versions of its libraries that its own jars have, whatever the
 * runtime's jars bring for themselves.
 *
 * <p>Three things come from the runtime, so that both mean the same classes by the same names: the JDK, the library, and
 * Arrow with it. SLF4J does too, so that what is logged is heard; but a job that brings SLF4J with a binding has its own,
 * because a binding fits only the SLF4J that loads it. What the runtime has for Arrow's sake alone is not shown to jobs
 * at all: a job with a part of Jackson would get the rest of another version.
 */
final class JobClasses extends URLClassLoader {
    private static final String[] LIBRARY = {"io.bowstring.", "org.apache.arrow."};
    private static final String[] HIDDEN = {"com.fasterxml.jackson.", "org.apache.commons.codec."};
    private static final String SLF4J = "org.slf4j.";
    private static final String SERVICES = "META-INF/services/";

    static {
        registerAsParallelCapable();
    }

    /** Packages that no class path can change. */
    private static final Set<String> JDK = packagesOfModules();

    private final boolean logsByItself;

    JobClasses(String name, URL[] places, ClassLoader runtime) {
        super(name, places, runtime);
        logsByItself = findResource("org/slf4j/LoggerFactory.class") != null
                && (findResource("META-INF/services/org.slf4j.spi.SLF4JServiceProvider") != null
                        || findResource("org/slf4j/impl/StaticLoggerBinder.class") != null);
    }

    private static Set<String> packagesOfModules() {
        Set<String> found = new HashSet<>();
        ModuleLayer.boot().modules().forEach(each -> found.addAll(each.getPackages()));
        return found;
    }

    /** Whether the job has SLF4J and a binding of it. */
    boolean logsByItself() {
        return logsByItself;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (isRuntimes(name)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> found = findLoadedClass(name);
            if (found != null) {
                return found;
            }
            try {
                return findClass(name);
            } catch (ClassNotFoundException absent) {
                if (isJobsAlone(name)) {
                    throw absent;
                }
            }
        }
        return super.loadClass(name, resolve); // what an agent has added, for one
    }

    @Override
    public @Nullable URL getResource(String name) {
        URL own = isRuntimes(named(name)) ? null : findResource(name);
        return own != null || isJobsAlone(named(name)) ? own : super.getResource(name);
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        Set<URL> all = new LinkedHashSet<>(Collections.list(findResources(name)));
        if (!isJobsAlone(named(name))) {
            all.addAll(Collections.list(super.getResources(name)));
        }
        return Collections.enumeration(all);
    }

    private boolean isRuntimes(String name) {
        if (name.startsWith(SLF4J)) {
            return !logsByItself;
        }
        int end = name.lastIndexOf('.');
        return startsWithOneOf(name, LIBRARY) || JDK.contains(end < 0 ? "" : name.substring(0, end));
    }

    private boolean isJobsAlone(String name) {
        return startsWithOneOf(name, HIDDEN) || logsByItself && name.startsWith(SLF4J);
    }

    /** A file's name as that of a class: of the one that it has, or of the service that it tells the providers of. */
    private static String named(String resource) {
        String name = resource.startsWith(SERVICES) ? resource.substring(SERVICES.length()) : resource;
        int end = name.endsWith(".class") ? name.length() - ".class".length() : name.length();
        return name.substring(0, end).replace('/', '.');
    }

    private static boolean startsWithOneOf(String name, String[] prefixes) {
        for (String prefix : prefixes) {
            if (name.startsWith(prefix)) {
                return true;
            }
        }
        return false;
    }
}
