package dev.loupe.inference.serving;

import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.names.ResourcePattern;
import java.util.Optional;

/**
 * A model to load.
 *
 * @param id its resource id: lower-case letters, digits and hyphens, starting with a letter
 * @param source where its files are
 * @param form in which its weights are used
 */
public record ModelSpec(String id, ModelSource source, ModelForm form) {

  /** Checks the id. */
  public ModelSpec {
    ResourcePattern.requireId("model", id);
  }

  /** A model as it is stored, in float32. */
  public ModelSpec(String id, ModelSource source) {
    this(id, source, ModelForm.AS_STORED);
  }

  /**
   * Reads {@code [id=]folder-or-hub-id[#form]}; without an id it is made from the folder's or
   * repository's name. The form is {@code f32} or {@code bf16}, and {@code all} or some steps of
   * weight processing, joined by {@code +}, as in {@code processed=openai-community/gpt2#all}. A
   * folder may have the signs in its name: what is one as it stands is taken for it.
   *
   * @throws dev.loupe.inference.hub.HubException when it is neither a folder nor a hub id, or when
   *     the form is not known
   */
  public static ModelSpec parse(String text) {
    int equals = text.indexOf('=');
    boolean named = equals > 0 && text.substring(0, equals).matches("[a-z][a-z0-9-]*");
    if (!named || isFolder(text)) {
      return parse(Optional.empty(), text);
    }
    return parse(Optional.of(text.substring(0, equals)), text.substring(equals + 1));
  }

  private static boolean isFolder(String text) {
    int hash = text.lastIndexOf('#');
    return ModelSource.folder(text).isPresent()
        || (hash > 0 && ModelSource.folder(text.substring(0, hash)).isPresent());
  }

  private static ModelSpec parse(Optional<String> id, String text) {
    int hash = ModelSource.folder(text).isPresent() ? -1 : text.lastIndexOf('#');
    ModelForm form = hash < 0 ? ModelForm.AS_STORED : form(text.substring(hash + 1));
    ModelSource source = ModelSource.parse(hash < 0 ? text : text.substring(0, hash));
    return new ModelSpec(id.orElseGet(source::modelId), source, form);
  }

  private static ModelForm form(String text) {
    try {
      return ModelForm.parse(text);
    } catch (IllegalArgumentException e) {
      throw new HubException(HubException.Kind.INVALID, e.getMessage(), e);
    }
  }
}
