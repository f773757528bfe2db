package io.bowstring;

import io.bowstring.internal.call.Arguments;
import java.util.List;

/** An actor in Python that is about to be made. */
public final class PyActorCreation extends ActorSettings<PyActorCreation> {
    private final PyActorClass type;
    private final List<?> arguments;

    PyActorCreation(PyActorClass type, List<?> arguments) {
        this.type = type;
        this.arguments = Bowstring.unwrap(arguments);
    }

    /**
     * Takes over all options of an object; what is set after that counts more.
     *
     * @param given what is taken over, as a copy; not null
     * @return this
     */
    public PyActorCreation setOptions(ActorOptions given) {
        options = Arguments.present("given", given).options.copy();
        return this;
    }

    /**
     * Makes the actor. The handle can be used at once; calls wait until the constructor is done.
     *
     * @return the actor's handle; if it can't be made, its calls tell why
     * @throws io.bowstring.errors.ActorNameTakenException if another actor has its name
     */
    public PyActorHandle remote() {
        return (PyActorHandle) Bowstring.link().create(type.descriptor(), "", arguments, options);
    }
}
