package io.bowstring.process;

import io.bowstring.testkit.Testkit;
import io.bowstring.testkit.TestkitExtension;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The scenarios inside this JVM; each test has a runtime of its own, and must leave nothing open. */
class TestkitScenariosTest extends Scenarios {
    @RegisterExtension
    static final TestkitExtension KIT = TestkitExtension.of(Testkit.builder().setNumCpus(2));
}
