package io.bowstring;

import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.call.Arguments;

/** A class in Python whose instances can be actors, found by its name. */
public final class PyActorClass {
    private final FunctionDescriptor descriptor;

    private PyActorClass(FunctionDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Names a class.
     *
     * @param module the module, as it is imported: "package.module"
     * @param className the class's qualified name in the module
     * @return the class; whether it is there shows when an actor is made
     */
    public static PyActorClass of(String module, String className) {
        Arguments.text("module", module);
        Arguments.text("className", className);
        return new PyActorClass(FunctionDescriptor.of(FunctionDescriptor.PYTHON, module, className, ""));
    }

    FunctionDescriptor descriptor() {
        return descriptor;
    }

    @Override
    public String toString() {
        return "PyActorClass(" + descriptor.module() + "." + descriptor.name() + ")";
    }
}
