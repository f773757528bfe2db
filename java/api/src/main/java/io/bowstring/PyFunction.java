package io.bowstring;

import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.call.Arguments;
import org.jspecify.annotations.Nullable;

/**
 * A function in Python, found by its name; any function of a module that the workers can import will do.
 *
 * @param <R> type of the result
 */
public final class PyFunction<R extends @Nullable Object> {
    private final FunctionDescriptor descriptor;
    private final Class<?> resultType;

    private PyFunction(FunctionDescriptor descriptor, Class<?> resultType) {
        this.descriptor = descriptor;
        this.resultType = resultType;
    }

    /**
     * Names a function.
     *
     * @param <R> type of the result
     * @param module the module, as it is imported: "package.module"
     * @param name the function's qualified name in the module
     * @param resultType what the result is converted to; {@code Object.class}: left as it comes
     * @return the function; whether it is there shows when it runs
     */
    public static <R extends @Nullable Object> PyFunction<R> of(String module, String name, Class<R> resultType) {
        Arguments.text("module", module);
        Arguments.text("name", name);
        Arguments.present("resultType", resultType);
        return new PyFunction<>(FunctionDescriptor.of(FunctionDescriptor.PYTHON, module, name, ""), resultType);
    }

    FunctionDescriptor descriptor() {
        return descriptor;
    }

    Class<?> resultType() {
        return resultType;
    }

    @Override
    public String toString() {
        return "PyFunction(" + descriptor.module() + "." + descriptor.name() + ")";
    }
}
