package io.bowstring.internal.call;

import io.bowstring.RuntimeEnvironment;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the user says of a runtime to start or join; {@code numCpus} below 0: the machine's. {@code nodeArguments} are the node's own. */
public record StartOptions(
        String address,
        double numCpus,
        int numGpus,
        Map<String, Double> resources,
        long objectStoreMemory,
        List<String> nodeArguments,
        String namespace,
        List<String> classPath,
        List<String> pythonPath,
        boolean logToDriver,
        @Nullable RuntimeEnvironment environment) {}
