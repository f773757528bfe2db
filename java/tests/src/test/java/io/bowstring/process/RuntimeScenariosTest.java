package io.bowstring.process;

import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The scenarios with processes. */
@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
class RuntimeScenariosTest extends Scenarios {
    private static Bowstring.Runtime runtime;

    @BeforeAll
    static void start() {
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).build());
    }

    @AfterAll
    static void end() {
        runtime.close();
    }
}
