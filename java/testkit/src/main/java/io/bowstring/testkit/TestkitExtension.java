package io.bowstring.testkit;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives each test of JUnit 5 a runtime of its own: {@code @ExtendWith(TestkitExtension.class)}, or with settings
 *
 * <pre>{@code
 * @RegisterExtension
 * static final TestkitExtension KIT = TestkitExtension.of(Testkit.builder().setNumCpus(1));
 * }</pre>
 *
 * <p>A test fails if it leaves views or streams open. It may take a {@link Testkit} as a parameter.
 */
public final class TestkitExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final ExtensionContext.Namespace OWN = ExtensionContext.Namespace.create(TestkitExtension.class);

    private final Testkit.Builder builder;

    /** With everything as it is by default. */
    public TestkitExtension() {
        this(Testkit.builder());
    }

    private TestkitExtension(Testkit.Builder builder) {
        this.builder = builder;
    }

    /**
     * With settings, which hold for each test.
     *
     * @param builder settings, which are read anew for each test
     * @return the extension, to be registered
     */
    public static TestkitExtension of(Testkit.Builder builder) {
        return new TestkitExtension(builder);
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        context.getStore(OWN).put(Testkit.class, builder.start());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        context.getStore(OWN).remove(Testkit.class, Testkit.class).close();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Testkit.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getStore(OWN).get(Testkit.class, Testkit.class);
    }
}
