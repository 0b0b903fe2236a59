package dev.loupe.inference.model.hooks;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The other names of hook points: the short ones that TransformerLens's {@code get_act_name} knows
 * ({@code k6}, {@code attn5} for a pattern, {@code scale4ln1}), and those of its newer bridge
 * ({@code blocks.0.mlp.in.hook_out}). A name stands here only where reading, editing and
 * differentiating mean the same at both.
 */
final class HookAliases {
  private static final int LONGEST_JOINT = 40;
  private static final String IDS =
      "holds token ids, which are integers: they come back with each row's result (ids), and"
          + " Tokenize gives them without a pass; hook_embed holds their embeddings";

  /** Names that TransformerLens has and that cannot be read as an activation, with the reason. */
  private static final Map<String, String> INTEGERS =
      Map.of(
          "hook_tokens",
          IDS,
          "embed.hook_in",
          IDS,
          "pos_embed.hook_in",
          "holds positions, which are integers: a row's count from 0; hook_pos_embed holds their"
              + " embeddings");

  /** The joint projection of the bridge, whose hooks never run: it is split before it is called. */
  private static final Pattern JOINT =
      Pattern.compile("blocks\\.\\d+\\.attn\\.qkv\\.hook_(in|out)");

  private HookAliases() {}

  /** Why a name of TransformerLens is no activation, or null when it is not such a name. */
  static String refusal(String name) {
    Matcher joint = name.length() < LONGEST_JOINT ? JOINT.matcher(name) : null;
    if (joint == null || !joint.matches()) {
      return INTEGERS.get(name);
    }
    return joint.group(1).equals("in")
        ? "names a projection that TransformerLens splits and never calls whole: attn.hook_in holds"
            + " what queries, keys and values read, and attn.q.hook_in, attn.k.hook_in and"
            + " attn.v.hook_in what each of them reads"
        : "names a projection that TransformerLens splits and never calls whole: attn.hook_q,"
            + " attn.hook_k and attn.hook_v hold what it gives";
  }

  /**
   * Every other name of a point, the bridge's before the short ones.
   *
   * @param layers blocks of the model
   */
  static List<String> of(HookPoint point, int layers) {
    List<String> names = new ArrayList<>();
    String prefix = point.kind().isPerLayer() ? "blocks." + point.layer() + "." : "";
    for (String local : bridge(point.kind())) {
      names.add(prefix + local);
    }
    if (point.kind() == HookKind.RESID_POST && point.layer() == layers - 1) {
      names.add("ln_final.hook_in"); // nothing else reads the last residual stream
    }
    for (String stem : stems(point.kind())) {
      names.add(point.kind().isPerLayer() ? withLayer(stem, point.layer()) : stem);
    }
    return names;
  }

  /** {@code scale#ln1} stands for {@code scale4ln1}; other stems end in the layer. */
  private static String withLayer(String stem, int layer) {
    int place = stem.indexOf('#');
    return place < 0 ? stem + layer : stem.substring(0, place) + layer + stem.substring(place + 1);
  }

  private static List<String> bridge(HookKind kind) {
    return switch (kind) {
      case EMBED -> List.of("embed.hook_out");
      case POS_EMBED -> List.of("pos_embed.hook_out");
      case RESID_PRE -> List.of("hook_in");
      case ATTN_IN -> List.of("attn.hook_attn_in");
      case Q_INPUT -> List.of("attn.hook_q_input");
      case K_INPUT -> List.of("attn.hook_k_input");
      case V_INPUT -> List.of("attn.hook_v_input");
      case LN1_OUT -> List.of("ln1.hook_out");
      case Q -> List.of("attn.q.hook_out");
      case K -> List.of("attn.k.hook_out");
      case V -> List.of("attn.v.hook_out");
      case Z -> List.of("attn.o.hook_in");
      case ATTN_OUT -> List.of("attn.hook_out", "attn.o.hook_out", "attn.hook_hidden_states");
      case MLP_IN -> List.of("ln2.hook_in");
      case LN2_OUT -> List.of("ln2.hook_out", "mlp.in.hook_in");
      case MLP_PRE -> List.of("mlp.in.hook_out");
      case MLP_POST -> List.of("mlp.out.hook_in");
      case MLP_OUT -> List.of("mlp.hook_out", "mlp.out.hook_out");
      case RESID_POST -> List.of("hook_out");
      case UNEMBED_IN -> List.of("ln_final.hook_out");
      case UNEMBED_OUT -> List.of("hook_unembed");
      default -> List.of();
    };
  }

  private static List<String> stems(HookKind kind) {
    return switch (kind) {
      case EMBED -> List.of("embed");
      case POS_EMBED -> List.of("pos_embed");
      case RESID_PRE -> List.of("resid_pre");
      case ATTN_IN -> List.of("attn_in");
      case Q_INPUT -> List.of("q_input");
      case K_INPUT -> List.of("k_input");
      case V_INPUT -> List.of("v_input");
      case LN1_SCALE -> List.of("scale#ln1");
      case LN1_NORMALIZED -> List.of("normalized#ln1");
      case Q -> List.of("q", "query");
      case K -> List.of("k", "key");
      case V -> List.of("v", "value");
      case ATTN_SCORES -> List.of("attn_scores", "attn_logits");
      case PATTERN -> List.of("pattern", "attn");
      case Z -> List.of("z");
      case RESULT -> List.of("result");
      case ATTN_OUT -> List.of("attn_out");
      case RESID_MID -> List.of("resid_mid");
      case MLP_IN -> List.of("mlp_in");
      case LN2_SCALE -> List.of("scale#ln2");
      case LN2_NORMALIZED -> List.of("normalized#ln2");
      case MLP_PRE -> List.of("pre", "mlp_pre");
      case MLP_POST -> List.of("post", "mlp_post");
      case MLP_OUT -> List.of("mlp_out");
      case RESID_POST -> List.of("resid_post");
      case LN_FINAL_SCALE -> List.of("scale");
      case LN_FINAL_NORMALIZED -> List.of("normalized");
      default -> List.of();
    };
  }
}
