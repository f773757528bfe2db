package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.ActorOptions;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.PyFunction;
import io.bowstring.RuntimeEnvironment;
import io.bowstring.RuntimeEnvironment.Installer;
import io.bowstring.RuntimeEnvironment.Packages;
import io.bowstring.TaskOptions;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.RuntimeEnvSetupException;
import io.bowstring.errors.TaskException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EnvironmentTest {
    private static final PyFunction<String> GETENV = PyFunction.of("os", "getenv", String.class);
    private static final RuntimeEnvironment TRIAL = RuntimeEnvironment.builder().setVariable("STAGE", "trial").build();
    private static Bowstring.Runtime runtime;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() {
        RuntimeEnvironment job = RuntimeEnvironment.builder().setVariable("REGION", "north").build();
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).setEnvironment(job).build());
    }

    @AfterAll
    static void stop() {
        if (runtime != null) {
            runtime.close();
        }
    }

    @Test
    void tasksHaveTheVariablesOfTheJobAndTheirOwn() {
        assertEquals("north", Bowstring.task(Member::variable, "REGION").remote().get());
        assertEquals("null", Bowstring.task(Member::variable, "STAGE").remote().get());
        TaskOptions trial = new TaskOptions().setEnvironment(TRIAL);
        assertEquals("trial", Bowstring.task(Member::variable, "STAGE").setOptions(trial).remote().get());
        assertEquals("north", Bowstring.task(Member::variable, "REGION").setOptions(trial).remote().get());
        assertEquals("trial", Bowstring.task(Member::childsVariable, "STAGE").setOptions(trial).remote().get());
        assertEquals("trial", Bowstring.task(GETENV, "STAGE").setOptions(trial).remote().get());
        assertEquals("north", Bowstring.task(GETENV, "REGION").remote().get());
        assertEquals(Map.of("REGION", "north", "STAGE", "trial"),
                Bowstring.task(Member::variables).setOptions(trial).remote().get());
        assertEquals(Map.of("REGION", "north"), Bowstring.getRuntimeContext().environment().variables());
        ActorHandle<Member> actor = Bowstring.actor(Member::new)
                .setOptions(new ActorOptions().setEnvironment(TRIAL)).remote();
        assertEquals("trial", actor.task(Member::actorsVariable, "STAGE").remote().get());
    }

    @Test
    void aFolderIsCopiedAndModulesOfItAreImported() throws IOException {
        Path code = Files.createDirectory(folder.resolve("code"));
        Files.writeString(code.resolve("note.txt"), "first");
        Files.writeString(code.resolve("left.out"), "secret");
        Path module = Files.createDirectory(folder.resolve("colours"));
        Files.writeString(module.resolve("__init__.py"), "def mix(a, b):\n    return a + '-' + b\n");
        RuntimeEnvironment environment = RuntimeEnvironment.builder()
                .setWorkingDirectory(code).addModule(module).addExclude("*.out").build();
        assertEquals("first", Bowstring.task(Member::read, "note.txt").setEnvironment(environment).remote().get());
        Files.writeString(code.resolve("note.txt"), "second");
        assertEquals("first", Bowstring.task(Member::read, "note.txt").setEnvironment(environment).remote().get());
        PyFunction<String> mix = PyFunction.of("colours", "mix", String.class);
        assertEquals("red-blue", Bowstring.task(mix, "red", "blue").setEnvironment(environment).remote().get());
        PyFunction<Boolean> exists = PyFunction.of("os.path", "exists", Boolean.class);
        assertEquals(false, Bowstring.task(exists, "left.out").setEnvironment(environment).remote().get());
        RuntimeEnvironment gone = RuntimeEnvironment.builder().setWorkingDirectory(folder.resolve("gone")).build();
        RuntimeEnvSetupException error = assertThrows(RuntimeEnvSetupException.class,
                () -> Bowstring.task(Member::read, "note.txt").setEnvironment(gone).remote());
        assertTrue(error.getMessage().contains("gone"), error.getMessage());
    }

    @Test
    void packagesThatCantBeInstalledAreTold() {
        RuntimeEnvironment broken = RuntimeEnvironment.builder()
                .setPackages(new Packages(Installer.PIP, List.of("./nowhere-1.0-py3-none-any.whl"), List.of("--no-index"), false))
                .setSetupTimeout(Duration.ofMinutes(1))
                .build();
        RuntimeEnvSetupException error = assertThrows(RuntimeEnvSetupException.class,
                () -> Bowstring.task(GETENV, "STAGE").setEnvironment(broken).remote().get());
        assertTrue(error.getMessage().contains("nowhere"), error.getMessage());
        assertEquals("north", Bowstring.task(GETENV, "REGION").remote().get());
    }

    @Test
    void aTasksOwnFlagsOfTheJvmAreUsed() {
        assertTrue(Bowstring.task(Member::maxHeap).setJvmFlags("-Xmx64m").remote().get() <= 64L << 20);
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.task(GETENV, "STAGE").setJvmFlags("-Xmx64m").remote()).getMessage().contains("jvmFlags"));
    }

    @Test
    void jarsAndFlagsOfAnEnvironmentAreItsWorkersOwn() throws IOException {
        RuntimeEnvironment first = RuntimeEnvironment.builder().addJar(classes("first"))
                .setJvmHeap(64L << 20).addJvmFlag("-Dcolour=red").build();
        RuntimeEnvironment second = RuntimeEnvironment.builder().addJar(classes("second")).build();
        assertEquals("first", Bowstring.task(Member::said, "Sayer").setEnvironment(first).remote().get());
        assertEquals("second", Bowstring.task(Member::said, "Sayer").setEnvironment(second).remote().get());
        assertEquals("red", Bowstring.task(Member::property, "colour").setEnvironment(first).remote().get());
        assertEquals("red", Bowstring.task(Member::childsProperty, "colour").setEnvironment(first).remote().get());
        assertTrue(Bowstring.task(Member::maxHeap).setEnvironment(first).remote().get() <= 64L << 20);
        assertEquals("null", Bowstring.task(Member::property, "colour").setEnvironment(second).remote().get());
        assertThrows(TaskException.class, () -> Bowstring.task(Member::said, "Sayer").remote().get());
        RuntimeEnvironment gone = RuntimeEnvironment.builder().addJar(folder.resolve("gone.jar")).build();
        assertTrue(assertThrows(RuntimeEnvSetupException.class,
                () -> Bowstring.task(Member::pid).setEnvironment(gone).remote()).getMessage().contains("gone.jar"));
    }

    /** A folder with a class that says a word. */
    private Path classes(String word) throws IOException {
        Path place = Files.createDirectory(folder.resolve(word));
        Path source = place.resolve("Sayer.java");
        Files.writeString(source, "public class Sayer { public static String say() { return \"" + word + "\"; } }");
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, source.toString()));
        return place;
    }

    @Test
    void aWorkerIsReplacedAfterSoManyCalls() {
        Set<Long> pids = new HashSet<>();
        for (int call = 0; call < 3; call++) {
            pids.add(Bowstring.task(Member::pid).setMaxCalls(1).remote().get());
        }
        assertEquals(3, pids.size());
        long pid = Bowstring.task(Member::pid).setMaxCalls(2).remote().get();
        assertEquals(pid, Bowstring.task(Member::pid).setMaxCalls(2).remote().get());
        assertNotEquals(pid, Bowstring.task(Member::pid).setMaxCalls(2).remote().get());
        PyFunction<Long> python = PyFunction.of("os", "getpid", Long.class);
        assertNotEquals(Bowstring.task(python).setMaxCalls(1).remote().get(), Bowstring.task(python).setMaxCalls(1).remote().get());
    }

    @Test
    void wrongFieldsAreNamed() throws IOException {
        RuntimeEnvironment.Builder builder = RuntimeEnvironment.builder();
        record Wrong(Runnable call, String says) {}
        Path requirements = folder.resolve("requirements.txt");
        Files.writeString(requirements, "# two\ntomli==2.0.1  # a parser\n\n./local.whl\n");
        List<Wrong> all = List.of(
                new Wrong(() -> builder.setVariable("A=B", "c"), "name is 'A=B'"),
                new Wrong(() -> builder.setVariable("A", null), "the value of A is null"),
                new Wrong(() -> builder.setWorkingDirectory(null), "path is null"),
                new Wrong(() -> builder.setWorkingDirectory(Path.of("s3://bucket/code")), "no address"),
                new Wrong(() -> builder.addExclude(""), "pattern is empty"),
                new Wrong(() -> builder.setPip(List.of("a", " ")), "requirements[1]"),
                new Wrong(() -> builder.setUv(null), "requirements is null"),
                new Wrong(() -> builder.setSetupTimeout(Duration.ZERO), "limit is PT0S"),
                new Wrong(() -> builder.setJvmHeap(5), "bytes is 5"),
                new Wrong(() -> builder.addJvmFlag("-Xa -Xb"), "each flag by itself"),
                new Wrong(() -> builder.addJvmFlag("-Da=\"b"), "its quotation with \" does not end"),
                new Wrong(() -> Bowstring.task(Member::pid).setEnvironment(null), "environment is null"),
                new Wrong(() -> Bowstring.task(Member::pid).setMaxCalls(-1), "count is -1"),
                new Wrong(() -> Bowstring.task(Member::pid).setOptions(null), "given is null"),
                new Wrong(() -> Bowstring.task(Member::pid).setRetryOn("a", ""), "a name in types is empty"),
                new Wrong(() -> Bowstring.task(Member::pid).setJvmFlags(null), "flags is null"));
        for (Wrong wrong : all) {
            InvalidArgumentException error = assertThrows(InvalidArgumentException.class, wrong.call::run, wrong.says);
            assertTrue(error.getMessage().contains(wrong.says), error.getMessage());
        }
        assertThrows(RuntimeEnvSetupException.class,
                () -> builder.setRequirementsFile(Installer.PIP, folder.resolve("none.txt")));
        Packages read = builder.setRequirementsFile(Installer.UV, requirements).build().packages().orElseThrow();
        assertEquals(List.of("tomli==2.0.1", folder.resolve("local.whl").toString()), read.requirements());
        assertEquals(Installer.UV, read.installer());
    }
}
