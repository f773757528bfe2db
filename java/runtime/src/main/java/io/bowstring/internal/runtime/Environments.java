package io.bowstring.internal.runtime;

import io.bowstring.RuntimeEnvironment;
import io.bowstring.RuntimeEnvironment.Installer;
import io.bowstring.RuntimeEnvironment.Packages;
import io.bowstring.internal.call.JvmFlags;
import io.bowstring.internal.wire.Environment;
import io.bowstring.internal.wire.EnvironmentMade;
import io.bowstring.internal.wire.EnvironmentMake;
import io.bowstring.internal.wire.Variable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The environments that this process uses (spec chapter 10): the one that it is in, which its children inherit, and those
 * that it had the node make of it.
 *
 * <p>An environment of the user's is settled when it is first used in this process: the node copies its folders then.
 */
public final class Environments {
    private final Session session;
    private final Map<RuntimeEnvironment, String> made = new WeakHashMap<>();
    private volatile String key = "";
    private volatile Environment own = new Environment();

    Environments(Session session) {
        this.session = session;
    }

    /** This process was started in an environment; an empty key: none. */
    public void bind(byte[] environmentKey, @Nullable Environment environment) {
        synchronized (made) {
            made.clear();
        }
        key = HexFormat.of().formatHex(environmentKey);
        own = environment == null ? new Environment() : environment;
    }

    /** Under a driver: makes the environment of its job. */
    void startJob(RuntimeEnvironment wanted) {
        Environment merged = merged(own, wanted);
        EnvironmentMade answer = ask(merged, true);
        own = answer.environment == null ? merged : answer.environment;
    }

    /** The key of what tasks with this environment run in, in hexadecimal; null: as this process. May ask the node. */
    String keyFor(@Nullable RuntimeEnvironment wanted) {
        if (wanted == null) {
            return key;
        }
        synchronized (made) {
            String known = made.get(wanted);
            if (known != null) {
                return known;
            }
        }
        String found = HexFormat.of().formatHex(ask(merged(own, wanted), false).key);
        synchronized (made) {
            made.put(wanted, found);
        }
        return found;
    }

    private EnvironmentMade ask(Environment wanted, boolean jobDefault) {
        session.checkRunning();
        EnvironmentMake make = new EnvironmentMake();
        make.environment = wanted;
        make.jobDefault = jobDefault;
        return session.request(number -> {
            make.request = number;
            return make;
        }).as(EnvironmentMade.class);
    }

    /** Variables merged, other fields the child's own or else the parent's (spec section 10.3, rule 4). */
    static Environment merged(Environment parent, RuntimeEnvironment child) {
        Map<String, String> variables = new TreeMap<>();
        parent.variables.forEach(each -> variables.put(each.name, each.value));
        variables.putAll(child.variables());
        Environment merged = new Environment();
        List<Variable> all = new ArrayList<>();
        variables.forEach((name, value) -> {
            Variable variable = new Variable();
            variable.name = name;
            variable.value = value;
            all.add(variable);
        });
        merged.variables = all;
        merged.workingDir = child.workingDirectory().orElse(parent.workingDir);
        merged.modules = child.modules().orElse(parent.modules);
        merged.excludes = child.excludes();
        merged.jars = child.jars().orElse(parent.jars);
        merged.jvmFlags = child.jvmFlags().orElse(parent.jvmFlags);
        merged.installer = parent.installer;
        merged.requirements = parent.requirements;
        merged.options = parent.options;
        merged.check = parent.check;
        Packages packages = child.packages().orElse(null);
        if (packages != null) {
            merged.installer = packages.requirements().isEmpty() ? 0
                    : packages.installer() == Installer.UV ? io.bowstring.internal.wire.Installer.UV
                    : io.bowstring.internal.wire.Installer.PIP;
            merged.requirements = packages.requirements();
            merged.options = packages.options();
            merged.check = packages.check();
        }
        merged.timeoutMs = child.setupTimeout().map(limit -> Math.max(1, limit.toMillis())).orElse(parent.timeoutMs);
        return merged;
    }

    /** What this process is in, as a user would write it. */
    RuntimeEnvironment shown() {
        Environment environment = own;
        RuntimeEnvironment.Builder builder = RuntimeEnvironment.builder();
        environment.variables.forEach(each -> builder.setVariable(each.name, each.value));
        if (!environment.workingDir.isEmpty()) {
            builder.setWorkingDirectory(Path.of(environment.workingDir));
        }
        environment.modules.forEach(each -> builder.addModule(Path.of(each)));
        environment.jars.forEach(each -> builder.addJar(Path.of(each)));
        JvmFlags.words("flags", environment.jvmFlags).forEach(builder::addJvmFlag);
        if (!environment.requirements.isEmpty()) {
            builder.setPackages(new Packages(
                    environment.installer == io.bowstring.internal.wire.Installer.UV ? Installer.UV : Installer.PIP,
                    environment.requirements, environment.options, environment.check));
        }
        if (environment.timeoutMs > 0) {
            builder.setSetupTimeout(Duration.ofMillis(environment.timeoutMs));
        }
        return builder.build();
    }
}
